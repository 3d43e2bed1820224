"""In which order preflight asks, what it leaves out, and what it does not believe."""

from typing import Any

import pytest

from tests.recorded_cloud import RECORDED, WANTED, Change, stand_in
from tools.preflight.commands import Fault, Heard
from tools.preflight.hindrances import Grade
from tools.preflight.inquiries import Wanted
from tools.preflight.topics import Topic, document, status, told

TOKEN = RECORDED["gcloud auth application-default print-access-token"]
RUNS: Change = [{"metadata": {"name": "restream-api"}}]


def _asked(changes: dict[str, Change]) -> tuple[list[str], list[Topic]]:
    asked: list[str] = []
    return asked, told(stand_in(changes, asked), WANTED)


@pytest.mark.parametrize(
    ("changes", "last"),
    [
        ({"gcloud version": Heard(fault=Fault.MISSING)}, "gcloud auth application-default"),
        ({"gcloud auth list": []}, "gcloud auth application-default"),
        ({"gcloud projects": Heard(1, "", "does not have permission")}, "POST"),
    ],
)
def test_nothing_more_is_asked_where_it_could_not_be_answered(
    changes: dict[str, Change], last: str
) -> None:
    """Of twenty failures with one cause, the cause is told."""
    asked, telling = _asked(changes)
    assert asked[-1].startswith(last)
    assert sum(len(each.hindrances) for each in telling) == 1


@pytest.mark.parametrize("answer", [Heard(1, "", "no"), "Hello.", {"status": "UP", "quotas": 7}])
def test_a_command_that_failed_is_told_once(answer: Change) -> None:
    """Though quotas are judged by it as well."""
    _, telling = _asked({"gcloud compute regions": answer})
    assert [each.grade for told in telling for each in told.hindrances] == [Grade.UNTOLD]


def test_what_needs_an_api_that_is_off_is_not_asked() -> None:
    """Else each would be told as a failure."""
    asked, telling = _asked({"gcloud services list": []})
    assert not [line for line in asked if line.startswith(("gcloud compute", "gcloud firestore"))]
    assert {each.code for told in telling for each in told.hindrances} == {
        "first-apis-off",
        "apis-off",
    }


def test_permissions_are_not_asked_without_terraform_s_token() -> None:
    """All else is, by gcloud's own."""
    asked, telling = _asked({"gcloud auth application-default": ""})
    assert not [line for line in asked if line.startswith("POST")]
    assert asked[-1].startswith("gcloud compute networks")
    assert [each.code for told in telling for each in told.hindrances] == ["nonsense"]


def test_permissions_are_asked_with_terraform_s_token() -> None:
    """It is Terraform that makes things, and it may be signed in as somebody else."""
    tokens: list[str] = []
    ask = stand_in({"gcloud auth application-default": f"{TOKEN}\n"})

    def noting(inquiries: Any, token: str) -> Any:
        tokens.extend(token for each in inquiries if each.name == "permissions")
        return ask(inquiries, token)

    told(noting, WANTED)
    assert tokens == [TOKEN]


def test_a_network_that_runs_has_taken_its_names_itself() -> None:
    """So an upgrade is not refused for what it has."""
    left: dict[str, Change] = {"gcloud compute networks": [{"name": "restream"}]}
    _, telling = _asked(left)
    assert [each.code for told in telling for each in told.hindrances] == ["network-left"]
    _, telling = _asked(left | {"gcloud run services": RUNS})
    assert [each for each in telling if each.hindrances] == []


def test_of_a_machine_of_another_series_its_own_processors_are_counted() -> None:
    """By a quota of its own; without control nodes nothing else is needed."""
    wanted = Wanted("my-network-4711", "europe-west1", machine="n2-standard-16",
                    has_control_nodes=False)  # fmt: skip
    types = [{"name": "n2-standard-16", "guestCpus": 16}]
    ask = stand_in({"gcloud compute machine-types": types})

    def renamed(inquiries: Any, token: str) -> Any:
        recorded = [
            each._replace(
                argv=tuple(a.replace("n2-standard-16", "e2-standard-2") for a in each.argv)
            )
            for each in inquiries
        ]
        return ask(recorded, token)

    codes = {each.code for told in told(renamed, wanted) for each in told.hindrances}
    assert codes == {"quota-n2-cpus", "quota-cpus-all-regions"}


@pytest.mark.parametrize("answer", [None, 7, "x", [], [7], {}, {"spec": 7}, {"quotas": [{}]}])
@pytest.mark.parametrize("line", [each for each in RECORDED if "print-access-token" not in each])
def test_an_answer_of_any_shape_is_told_or_understood(line: str, answer: Change) -> None:
    """Whatever a newer gcloud prints: no trace, and never silence about a whole answer."""
    telling = told(stand_in({line: answer}), WANTED)
    grades = {each.grade for told in telling for each in told.hindrances}
    assert status(telling, False) in (0, 1, 2)
    # An empty object or list is an answer of some commands: nothing is switched on, or there.
    if answer in (None, 7, "x", [7]):
        assert grades == {Grade.UNTOLD}, line


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("terraform version", {}),
        ("gcloud projects", {"projectId": "my-network-4711"}),
        ("gcloud run regions", [{"region": "europe-west1"}]),
        ("gcloud compute regions", {"quotas": []}),
        ("gcloud compute machine-types", [{"guestCpus": 2}]),
        ("gcloud firestore databases", [{"name": "projects/p/databases/money", "mode": "NATIVE"}]),
        ("gcloud run services", [{"name": "restream-api"}]),
        ("gcloud secrets", [{"id": "restream-lottery-key"}]),
    ],
)
def test_a_field_of_another_name_is_no_refusal(line: str, answer: Change) -> None:
    """A newer gcloud must not end an apply that would do."""
    _, telling = _asked({line: answer})
    assert {each.grade for told in telling for each in told.hindrances} == {Grade.UNTOLD}
    assert status(telling, True) == 0


def test_the_document_has_a_row_for_each_thing_told() -> None:
    """What is fine too."""
    (_, telling) = _asked({"gcloud auth list": []})
    rows = document(telling)["rows"]
    assert [(row["name"], row["value"], row["code"]) for row in rows] == [
        ("terraform", "fine", ""),
        ("gcloud", "fine", ""),
        ("account", "refused", "gcloud-signed-out"),
        ("terraform's sign-in", "fine", ""),
    ]
