"""What a Firestore emulator holds is kept in a folder and put back into another emulator."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from coordinator.adapters.store.firestore import FirestoreStore
from coordinator.adapters.store.protocol import Fields, Ref
from emulator.demo.options import ROOT
from emulator.firestore_emulator import FirestoreEmulator

PROJECT = "kept"
DOCUMENT: Fields = {
    "bits": b"\x00\xff",
    "micros": 2**62,
    "share": 0.1,
    "at": datetime(2026, 11, 22, 12, 0, 0, 123456, tzinfo=UTC),
    "rows": [{"node": "n2", "reason": None}, True],
}
SECONDS_MAX = 60


def _state(verb: str, folder: Path, host: str) -> subprocess.CompletedProcess[str]:
    words = (verb, str(folder), "--host", host, "--project", PROJECT)
    return subprocess.run(
        (sys.executable, "-m", "emulator.state", *words),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )


def _emulator() -> FirestoreEmulator:
    """One of its own, also where others are shared."""
    environment = {**os.environ}
    environment.pop("FIRESTORE_EMULATOR_HOST", None)
    return FirestoreEmulator(environment=environment)


async def test_both_databases_go_from_one_emulator_into_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With every type of field, and each where it was. The folder is made, if there is none."""
    folder = tmp_path / "new" / "folder"
    ref = Ref("things", "a")
    async with _emulator() as first:
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", first.host)
        for database in ("(default)", "money"):
            store = FirestoreStore(PROJECT, database)
            await store.put(ref, {**DOCUMENT, "database": database})
            await store.close()
        done = _state("export", folder, first.host)
        assert (done.returncode, done.stderr) == (0, "")
    async with _emulator() as second:
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", second.host)
        done = _state("import", folder, second.host)
        assert (done.returncode, done.stderr) == (0, "")
        for database in ("(default)", "money"):
            store = FirestoreStore(PROJECT, database)
            assert await store.get(ref) == [{**DOCUMENT, "database": database}]
            await store.close()


async def test_a_folder_that_holds_nothing_is_refused_with_what_to_name(tmp_path: Path) -> None:
    """And an emulator that is not there is named."""
    async with _emulator() as emulator:
        done = _state("import", tmp_path, emulator.host)
        assert done.returncode == 1
        assert "name a folder that was exported to" in done.stderr
        host = emulator.host
    done = _state("export", tmp_path, host)
    assert done.returncode == 1
    assert host in done.stderr
