"""The stand-in for rtmp_relay, as a program and as a repository with a submodule."""

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from tests.image.tools import call, need
from tests.project import ROOT

SOURCE = Path(__file__).parent / "relay_stand_in"
_IDENTITY = ("-c", "user.name=stand-in", "-c", "user.email=stand-in@example.org")


def program_path() -> str:
    """A PATH on which `rtmp_relay` is the stand-in, compiled once for all runs of these sources."""
    folder = ROOT / "build" / f"stand-in-{_digest()}"
    if not folder.exists():
        folder.parent.mkdir(exist_ok=True)
        # Whoever compiles at the same time makes the same program: the first one's stays.
        with tempfile.TemporaryDirectory(dir=folder.parent) as draft:
            made = build_program(Path(draft))
            try:
                made.rename(folder)
            except OSError:
                if not folder.exists():
                    raise
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


def _digest() -> str:
    sources = sorted(path for path in SOURCE.rglob("*") if path.is_file())
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]


def build_program(folder: Path) -> Path:
    """Compile it below `folder`; returns the folder of the program `rtmp_relay`."""
    need("g++", "make")
    tree = folder / "stand-in"
    shutil.copytree(SOURCE, tree)
    shutil.copytree(SOURCE / "external_amf0", tree / "external" / "amf0")
    call(["make"], cwd=tree)
    return tree / "bin"


def make_repository(folder: Path) -> tuple[Path, str]:
    """Two bare repositories in `folder`, to be served by any web server.

    Returns the path of the main one, whose submodule is the other, and its commit.
    """
    need("git")
    parts, main = folder / "amf0", folder / "stand_in"
    shutil.copytree(SOURCE / "external_amf0", parts)
    _commit(parts)
    call(["git", "clone", "-q", "--bare", str(parts), str(folder / "amf0.git")])
    shutil.copytree(SOURCE, main, ignore=shutil.ignore_patterns("external_amf0"))
    call(["git", "init", "-q", "-b", "master"], cwd=main)
    add = ("-c", "protocol.file.allow=always", "submodule", "--quiet", "add")
    call(["git", *add, str(folder / "amf0.git"), "external/amf0"], cwd=main)
    # Relative to the main one, so that it is found on whatever port both are served.
    call(["git", "config", "-f", ".gitmodules", "submodule.external/amf0.url", "../amf0.git"], main)
    commit = _commit(main)
    bare = folder / "stand_in.git"
    call(["git", "clone", "-q", "--bare", str(main), str(bare)])
    for repository in (bare, folder / "amf0.git"):
        call(["git", "update-server-info"], cwd=repository)
    return bare, commit


def _commit(tree: Path) -> str:
    call(["git", "init", "-q", "-b", "master"], cwd=tree)
    call(["git", "add", "-A"], cwd=tree)
    call(["git", *_IDENTITY, "commit", "-q", "-m", "A stand-in for rtmp_relay"], cwd=tree)
    return call(["git", "rev-parse", "HEAD"], cwd=tree).strip()
