"""One line of JSON per outcome; an error of ours says where it came from."""

import asyncio
import json

import pytest

from coordinator.adapters.log import TRACE_CHARACTERS_MAX, Log, LogEvent


async def _fails(says: str) -> None:
    raise ValueError(says)


def test_a_failure_names_its_error_and_its_place(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever repairs it reads nothing else."""
    try:
        asyncio.run(_fails("the disk is full"))
    except ValueError as error:
        Log("payout").failure(LogEvent.STREAM_NOT_SETTLED, error, stream_id="s3")
    line = json.loads(capsys.readouterr().out)
    assert (line["severity"], line["message"], line["stream_id"]) == (
        "ERROR",
        "stream_not_settled",
        "s3",
    )
    assert line["error"] == "ValueError: the disk is full"
    assert "in _fails" in line["stack_trace"]


async def test_of_several_tasks_the_first_that_failed_is_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """And not the group that held them."""
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_fails("x" * 2 * TRACE_CHARACTERS_MAX))
    except ExceptionGroup as group:
        Log("payout").failure(LogEvent.PROJECTIONS_NOT_WRITTEN, group)
    line = json.loads(capsys.readouterr().out)
    assert line["error"].startswith("ValueError: xxx")
    assert len(line["stack_trace"]) == TRACE_CHARACTERS_MAX


def test_a_quiet_log_keeps_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    """Below its level nothing is written."""
    log = Log("payout", "ERROR")
    log(LogEvent.EPOCH_SETTLED, epoch=7)
    assert capsys.readouterr().out == ""
