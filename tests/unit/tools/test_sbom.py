"""A bill of materials says what is in an image, and nothing that is not."""

import json

from cyclonedx.model.bom import Bom

from tools.sbom import Contents, bill_of, contents_of

STATUS = """\
Package: tini
Status: install ok installed
Architecture: amd64
Version: 0.19.0-1
Description: tiny but valid init
 Package: not-a-package

Package: apt
Status: deinstall ok config-files
Architecture: amd64
Version: 2.6.1
"""
SAID = json.dumps([STATUS, 'ID=debian\nVERSION_ID="12"\n', [["uvloop", "0.22.1"], ["PyYAML", "6"]]])


def test_what_is_not_installed_any_more_is_not_in_it() -> None:
    found = contents_of(SAID)
    assert found == Contents(
        (("tini", "0.19.0-1", "amd64"),), "12", (("PyYAML", "6"), ("uvloop", "0.22.1"))
    )


def test_the_bill_names_each_part_as_others_look_it_up() -> None:
    said = json.loads(bill_of("restream-node", "0.1.0", contents_of(SAID)))
    assert (said["bomFormat"], said["specVersion"]) == ("CycloneDX", "1.6")
    assert said["metadata"]["component"]["name"] == "restream-node"
    assert {each["purl"] for each in said["components"]} == {
        "pkg:deb/debian/tini@0.19.0-1?arch=amd64&distro=debian-12",
        "pkg:pypi/pyyaml@6",
        "pkg:pypi/uvloop@0.22.1",
    }
    (whole,) = [each for each in said["dependencies"] if each["ref"] == "restream-node"]
    assert len(whole["dependsOn"]) == 3


def test_the_bill_is_read_by_others() -> None:
    """As the format's own library reads it."""
    said = json.loads(bill_of("restream-node", "0.1.0", contents_of(SAID)))
    # The library's own decorator adds `from_json`, where no type checker sees it.
    read = Bom.from_json(said)  # type: ignore[attr-defined]
    assert {each.name for each in read.components} == {"tini", "pyyaml", "uvloop"}
