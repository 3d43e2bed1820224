"""Where a network stands: by its address, or as it is named; and what else is named."""

from pathlib import Path

import pytest

from tests.applied_cloud import API, StoodIn
from tools.preflight.commands import Fault, Heard
from tools.smoke.__main__ import main, sponsor_key
from tools.smoke.gcloud import Gcloud
from tools.smoke.place import cloud_of
from tools.smoke.results import NotToldError


@pytest.mark.parametrize(
    ("api", "project", "region", "place"),
    [
        (API, "", "", ("my-network-4711", "europe-west1")),
        (API, "another-1", "", ("another-1", "europe-west1")),
        ("https://api.example.org", "mine-4711", "us-east1", ("mine-4711", "us-east1")),
        ("https://api.example.org", "", "", None),
        ("https://api.example.org", "mine-4711", "", None),
        ("http://127.0.0.1:8080", "", "", None),
        (f"{API}.example.org", "", "", None),
    ],
)
def test_what_is_named_goes_before_what_the_address_says(
    api: str, project: str, region: str, place: tuple[str, str] | None
) -> None:
    """Google is asked for an id only where a number is all that is known."""
    assert cloud_of(api, project, region, Gcloud(StoodIn().ask)) == place


def test_a_project_that_cannot_be_found_out_is_told() -> None:
    """Instead of taken for a machine of one's own."""
    gcloud = Gcloud(StoodIn({"gcloud projects": Heard(fault=Fault.MISSING)}).ask)
    with pytest.raises(NotToldError, match="gcloud is not on PATH"):
        cloud_of(API, "", "", gcloud)


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--api=ftp://127.0.0.1",),
        ("--api=http://127.0.0.1:8080/path",),
        ("--api=http://127.0.0.1:8080", "--wait=long"),
        ("--api=http://127.0.0.1:8080", "--project=--format"),
    ],
)
def test_odd_arguments_are_refused_with_a_line_that_would_do(
    options: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anything is asked."""
    with pytest.raises(SystemExit) as ended:
        main(options)
    printed = capsys.readouterr()
    assert (ended.value.code, printed.out) == (64, "")
    assert "make smoke API=https://" in printed.err


def test_a_sponsors_key_is_named_by_itself_or_by_its_file(tmp_path: Path) -> None:
    """The file goes first."""
    path = tmp_path / "key"
    path.write_text("of-the-file\n")
    assert sponsor_key({"SPONSOR_KEY": " named ", "SPONSOR_KEY_FILE": ""}) == "named"
    assert sponsor_key({"SPONSOR_KEY": "named", "SPONSOR_KEY_FILE": str(path)}) == "of-the-file"
    assert sponsor_key({}) == ""
