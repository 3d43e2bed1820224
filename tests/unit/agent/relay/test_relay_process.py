"""How a relay's end is told."""

import asyncio
import time
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from agent.relay.engines import ENGINES
from agent.relay.relay_process import RelayProcess


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("exit 0", "ended with code 0"),
        ("exit 3", "ended with code 3"),
        ("kill -9 $$", "was killed by signal 9"),
    ],
)
async def test_an_end_by_itself_is_told_from_a_signal(
    tmp_path: Path, script: str, says: str
) -> None:
    engine = ENGINES["restream"](tmp_path)
    process = await asyncio.create_subprocess_exec("sh", "-c", script, stderr=PIPE)
    relay = RelayProcess(engine, process, time.monotonic)
    await relay.wait()
    assert await relay.ending() == f"restream {says}"
