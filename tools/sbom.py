"""The bill of materials of a built image, by what is really in it, in CycloneDX's JSON.

`python -m tools.sbom IMAGE FILE`: Debian's packages by dpkg's own list, Python's by their metadata.
`make images` writes the node image's to build/sbom-node.cdx.json.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from cyclonedx.contrib.this.builders import this_component
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL

from emulator.unread import quiet_when_unread

RUN_S_MAX = 120.0
_LOOK = """\
import json, sys
from importlib.metadata import distributions
with open("/var/lib/dpkg/status", encoding="utf-8") as status, open("/etc/os-release") as system:
    found = [[one.metadata["Name"], one.version] for one in distributions(path=["/opt/packages"])]
    json.dump([status.read(), system.read(), found], sys.stdout)
"""
"""Run inside of the image, by its own Python, since nothing else has to be in it."""


class Contents(NamedTuple):
    """What is in an image."""

    debian: tuple[tuple[str, str, str], ...]
    """(package, version, architecture) of what dpkg has installed."""
    release: str
    """Debian's, like 12."""
    python: tuple[tuple[str, str], ...]


def contents_of(said: str) -> Contents:
    """What the look into an image printed."""
    status, system, python = json.loads(said)
    fields = dict(line.split("=", 1) for line in system.splitlines() if "=" in line)
    return Contents(
        tuple(sorted(_installed(status))),
        fields.get("VERSION_ID", "").strip('"'),
        tuple(sorted((name, version) for name, version in python)),
    )


def bill_of(name: str, version: str, contents: Contents) -> str:
    """The bill, as JSON."""
    bom = Bom()
    bom.metadata.tools.components.add(this_component())
    image = Component(name=name, version=version, type=ComponentType.CONTAINER, bom_ref=name)
    bom.metadata.component = image
    parts = [_debian(*each, contents.release) for each in contents.debian]
    parts += [_python(*each) for each in contents.python]
    bom.components.update(parts)
    bom.register_dependency(image, parts)
    made = make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6)
    return made.output_as_string(indent=1) + "\n"


def _debian(name: str, version: str, architecture: str, release: str) -> Component:
    said = {"arch": architecture, "distro": f"debian-{release}"}
    return _part(PackageURL("deb", "debian", name, version, said))


def _python(name: str, version: str) -> Component:
    return _part(PackageURL("pypi", None, name.lower().replace("_", "-"), version))


def _part(purl: PackageURL) -> Component:
    return Component(
        name=purl.name,
        version=purl.version,
        type=ComponentType.LIBRARY,
        purl=purl,
        bom_ref=purl.to_string(),
    )


def _installed(status: str) -> Iterable[tuple[str, str, str]]:
    for block in status.split("\n\n"):
        lines = (line.split(": ", 1) for line in block.splitlines() if not line.startswith(" "))
        said = {line[0]: line[1] for line in lines if len(line) == 2}
        if said.get("Status", "").endswith(" installed"):
            yield said["Package"], said["Version"], said["Architecture"]


def main(arguments: list[str]) -> int:
    """Looks into the image, and writes its bill."""
    image, file = arguments
    look = ["run", "--rm", "--network=none", "--entrypoint=python3", image, "-c", _LOOK]
    said = subprocess.run(
        [*_runner(), *look], capture_output=True, text=True, timeout=RUN_S_MAX, check=True
    )
    contents = contents_of(said.stdout)
    name, _, tag = image.rpartition("/")[2].partition(":")
    Path(file).parent.mkdir(exist_ok=True)
    Path(file).write_text(bill_of(name, tag or "latest", contents))
    print(
        f"{file}: {len(contents.debian)} of Debian's packages, {len(contents.python)} of Python's"
    )
    return 0


def _runner() -> list[str]:
    """As build-image.sh chooses."""
    if offline := os.environ.get("BUILD_OFFLINE"):
        return [offline, "podman"]
    try:
        subprocess.run(["docker", "info"], capture_output=True, timeout=RUN_S_MAX, check=True)
    except (OSError, subprocess.SubprocessError):
        return ["podman"]
    return ["docker"]


if __name__ == "__main__":
    sys.exit(quiet_when_unread(lambda: main(sys.argv[1:])))
