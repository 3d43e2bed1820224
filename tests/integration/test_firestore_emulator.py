"""The emulator is found, started and stopped, or it is said what is missing."""

import asyncio
import os
import socket
from pathlib import Path

import pytest

from emulator.firestore_emulator import MISSING, EmulatorError, FirestoreEmulator, command


async def test_it_answers_while_it_runs_and_leaves_no_process_behind() -> None:
    """Not even a child of its child."""
    environment = {**os.environ}
    environment.pop("FIRESTORE_EMULATOR_HOST", None)
    async with FirestoreEmulator(environment=environment) as emulator:
        assert emulator.process is not None
        group = emulator.process.pid
        await emulator.clear("project")
        await emulator.clear("project", "money")
        async with asyncio.timeout(30):
            while "running" not in emulator.output():  # noqa: ASYNC110 - a child says it, and late
                await asyncio.sleep(0.05)
    with pytest.raises(ProcessLookupError):
        os.killpg(group, 0)
    with socket.socket() as free:
        host, _, port = emulator.host.rpartition(":")
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        free.bind((host, int(port)))


async def test_one_that_runs_already_is_used_and_left_running(firestore: FirestoreEmulator) -> None:
    """FIRESTORE_EMULATOR_HOST names it."""
    async with FirestoreEmulator(environment={"FIRESTORE_EMULATOR_HOST": firestore.host}) as second:
        assert second.host == firestore.host
        assert second.process is None
    await firestore.clear("project")


async def test_one_that_is_named_and_does_not_run_is_an_error() -> None:
    """Nothing is started in its place."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{closed.getsockname()[1]}"
        with pytest.raises(EmulatorError, match=f"{host}, but nothing answers"):
            await FirestoreEmulator(environment={"FIRESTORE_EMULATOR_HOST": host}).start()


async def test_one_that_ends_at_once_shows_what_it_printed(tmp_path: Path) -> None:
    """A jar that is none."""
    jar = tmp_path / "emulator.jar"
    jar.write_bytes(b"nothing")
    environment = {"PATH": os.environ["PATH"], "FIRESTORE_EMULATOR_JAR": str(jar)}
    with pytest.raises(EmulatorError, match=r"ended at once:\n.*[Ee]rror"):
        await FirestoreEmulator(environment=environment).start()


def test_a_machine_without_it_is_told_what_to_install(tmp_path: Path) -> None:
    """One sentence."""
    with pytest.raises(EmulatorError) as caught:
        command("127.0.0.1:8080", {"PATH": str(tmp_path)})
    assert str(caught.value) == MISSING


def test_a_jar_that_is_named_must_be_there(tmp_path: Path) -> None:
    """It is not looked for elsewhere."""
    with pytest.raises(EmulatorError, match="names no file"):
        command("127.0.0.1:8080", {"FIRESTORE_EMULATOR_JAR": str(tmp_path / "none.jar")})


def test_gclouds_own_jar_is_started_without_gcloud(tmp_path: Path) -> None:
    """Its launcher takes twice as long."""
    folder = tmp_path / "sdk" / "platform" / "cloud-firestore-emulator"
    folder.mkdir(parents=True)
    jar = folder / "cloud-firestore-emulator.jar"
    jar.touch()
    environment = {"PATH": os.environ["PATH"], "CLOUDSDK_ROOT_DIR": str(tmp_path / "sdk")}
    line = command("127.0.0.1:7777", environment)
    assert Path(line[0]).name == "java"
    assert str(jar) in line
    assert line[-2:] == ["--host=127.0.0.1", "--port=7777"]
