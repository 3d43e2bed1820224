"""The bill of materials of the image that was built: what is locked and installed is in it."""

import json
import re
from pathlib import Path

from tests.image.containers import IMAGE, build
from tests.project import ROOT
from tools.sbom import main

_PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)", re.MULTILINE)


def test_the_bill_holds_what_is_in_the_image(tmp_path: Path) -> None:
    build(IMAGE)
    file = tmp_path / "sbom" / "node.cdx.json"
    assert main([IMAGE, str(file)]) == 0
    said = json.loads(file.read_text())
    parts = {
        (each["purl"].split("/")[0], each["name"]): each["version"] for each in said["components"]
    }
    locked = dict(_PIN.findall((ROOT / "node_image" / "requirements.txt").read_text()))
    assert {name.lower(): parts["pkg:pypi", name.lower()] for name in locked} == {
        name.lower(): version for name, version in locked.items()
    }
    for package in ("tini", "python3", "python3-cryptography", "libc6"):
        assert parts["pkg:deb", package]
    assert ("pkg:deb", "apt") not in parts
