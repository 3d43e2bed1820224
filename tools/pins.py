"""`make pin`: base images by their digest, and rtmp_relay by its whole commit hash.

It asks where images and sources come from, and writes what it is told into the Dockerfiles and
compose.yaml. What cannot be asked stays as it is, and is told.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from emulator.unread import quiet_when_unread

ROOT = Path(__file__).resolve().parents[1]
FILES = (
    *("node_image/Dockerfile", "functions/Dockerfile", "emulator/cloud_scheduler/Dockerfile"),
    "compose.yaml",
)
ASK_S_MAX = 120.0
"""For one image, and for the history of rtmp_relay."""
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
COMMIT = re.compile(r"[0-9a-f]{40}")
_IMAGE = re.compile(
    r"^(?P<before>FROM |\s+image: )(?P<image>[a-z0-9.-]+\.[a-z]+/[\w./-]+:[\w.-]+)"
    r"(?P<digest>@sha256:[0-9a-f]{64})?(?=\s|$)",
    re.MULTILINE,
)
"""Of a registry, with a tag. Images of ours and stages have no dot in front of the slash."""
_REPOSITORY = re.compile(r"^ARG REPOSITORY=(\S+)$", re.MULTILINE)
_COMMIT_ARG = re.compile(r"^ARG COMMIT=([0-9a-f]{7,40})$", re.MULTILINE)


class NotReachedError(Exception):
    """Somebody who has to be asked does not answer; the message is a sentence."""


def images_in(text: str) -> list[str]:
    """The images of registries that a file names, without their digests."""
    return sorted({found["image"] for found in _IMAGE.finditer(text)})


def pinned(text: str, digests: Mapping[str, str]) -> str:
    """The file with these digests; the tag stays, for people and for those who renew both."""

    def written(found: re.Match[str]) -> str:
        digest = digests.get(found["image"])
        return f"{found['before']}{found['image']}@{digest}" if digest else found[0]

    return _IMAGE.sub(written, text)


def digest_of(image: str) -> str:
    """What a registry has under a tag now, for all processors together. Raises NotReachedError."""
    asks = {
        "skopeo": ["inspect", "--no-tags", "--format={{.Digest}}", f"docker://{image}"],
        "docker": ["buildx", "imagetools", "inspect", "--format={{.Manifest.Digest}}", image],
    }
    programs = [program for program in asks if shutil.which(program)]
    if not programs:
        raise NotReachedError(
            "Neither skopeo nor docker is here to ask a registry: apt-get install skopeo."
        )
    said = _said([programs[0], *asks[programs[0]]])
    if said is None or not DIGEST.fullmatch(said):
        raise NotReachedError(f"The registry of {image} cannot be reached from here.")
    return said


def whole_commit(repository: str, commit: str) -> str:
    """The only commit of a repository that begins so. Raises NotReachedError."""
    if COMMIT.fullmatch(commit):
        return commit
    with tempfile.TemporaryDirectory(prefix="pins-") as folder:
        clone = ["git", "clone", "--quiet", "--bare", "--filter=tree:0", repository, folder]
        if _said(clone) is None:
            raise NotReachedError(f"{repository} cannot be reached from here.")
        # A whole hash: no branch and no tag of that name is meant.
        told = _said(["git", "-C", folder, "rev-parse", f"--disambiguate={commit}"]) or ""
        commits = [each for each in told.split() if _is_commit(folder, each)]
    if len(commits) != 1:
        raise NotReachedError(f"{repository} has {len(commits)} commits that begin with {commit}.")
    return commits[0]


def main(root: Path = ROOT) -> int:
    """Pins what can be asked for, and tells the rest: 1 if there is any."""
    untold: list[str] = []
    for name in FILES:
        path = root / name
        text = path.read_text()
        changed = _with_commit(_with_digests(text, untold), untold)
        if changed != text:
            path.write_text(changed)
            print(f"{name}: pinned")
    for sentence in dict.fromkeys(untold):
        print(f"{sentence} What it would pin stays as it is.", file=sys.stderr)
    return 1 if untold else 0


def _with_digests(text: str, untold: list[str]) -> str:
    digests = dict[str, str]()
    for image in images_in(text):
        try:
            digests[image] = digest_of(image)
        except NotReachedError as error:
            untold.append(str(error))
    return pinned(text, digests)


def _with_commit(text: str, untold: list[str]) -> str:
    repository, commit = _REPOSITORY.search(text), _COMMIT_ARG.search(text)
    if not repository or not commit:
        return text
    try:
        whole = whole_commit(repository[1], commit[1])
    except NotReachedError as error:
        untold.append(str(error))
        return text
    return _COMMIT_ARG.sub(f"ARG COMMIT={whole}", text)


def _is_commit(folder: str, name: str) -> bool:
    return _said(["git", "-C", folder, "cat-file", "-t", name]) == "commit"


def _said(argv: Sequence[str]) -> str | None:
    """What a program prints; None if it fails, or takes too long."""
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=ASK_S_MAX, check=False)
    except subprocess.TimeoutExpired:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


if __name__ == "__main__":
    sys.exit(quiet_when_unread(main))
