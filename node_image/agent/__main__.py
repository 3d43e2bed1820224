"""`python -m agent`: reads the environment, prepares the folders, runs the agent."""

import asyncio
import logging
import os
import shutil
import sys
import tempfile
from pathlib import Path

from agent import __version__
from agent.doctor.examination import doctor
from agent.doctor.findings import FindingKind
from agent.doctor.first_look import first_look, is_due
from agent.doctor.inside import check_ports_free
from agent.endpoints import AddressError
from agent.log import AgentEvent, log, start_logging
from agent.node import Agent
from agent.node_key import MARK_KEY_FILE, KeyFileError, load_or_create_key
from agent.notices.trial import notify_test
from agent.settings import AgentSettings, SettingsError, help_text
from agent.unread import quiet_when_unread


def main() -> int:
    """Returns the exit code: 0 stopped, 1 this machine needs a repair, 2 a wrong setting.

    The doctor has codes of its own: `agent.doctor.findings.FindingKind`.
    """
    arguments = sys.argv[1:]
    if arguments in (["--help"], ["-h"]):
        print(help_text(), end="")
        return 0
    if arguments == ["--version"]:
        print(__version__)
        return 0
    start_logging("INFO", sys.stderr)
    if arguments == ["notify-test"]:
        return notify_test(os.environ)
    if arguments not in ([], ["doctor"]):
        _log_wrong_settings([f"Unknown argument {arguments[0]!r}: see python -m agent --help."])
        return 2
    return _start(is_doctor=bool(arguments))


def _start(is_doctor: bool) -> int:
    try:
        settings = AgentSettings.from_env(os.environ)
    except SettingsError as e:
        _log_wrong_settings(e.sentences)
        return 2
    # It is read: the relay and what else is started need not know the operator's addresses.
    os.environ.pop("NOTIFY_URLS", None)
    # The doctor speaks in sentences: the log of what it runs would drown them.
    start_logging("CRITICAL" if is_doctor else settings.log_level, sys.stderr)
    try:
        return _run(settings, is_doctor)
    except (KeyFileError, AddressError, _WorkDirError) as e:
        if is_doctor:
            print(f"Fix: {e}")
            return int(FindingKind.KEY)
        log(AgentEvent.AGENT_CANNOT_START, logging.ERROR, reason=str(e))
        return 1


def _run(settings: AgentSettings, is_doctor: bool) -> int:
    key, warnings = load_or_create_key(settings.data_dir)
    if settings.role == "ingest":
        warnings += load_or_create_key(settings.data_dir, name=MARK_KEY_FILE)[1]
    for warning in warnings:
        log(AgentEvent.KEY_REPAIRED, logging.WARNING, reason=warning)
    work_dir = _make_work_dir(settings.work_dir)
    try:
        # Not asyncio.run: at its end it waits for name look-ups, which nothing can cancel.
        loop = asyncio.new_event_loop()
        if is_doctor:
            return loop.run_until_complete(doctor(settings, key, work_dir))
        agent = Agent(settings, key, work_dir)
        if settings.role == "node" and is_due(settings.data_dir):
            ports = check_ports_free(settings)  # now, because soon they are the node's own
            agent.examine_by(lambda: first_look(settings, key, ports))
        return loop.run_until_complete(agent.run())
    finally:
        if settings.work_dir is None:
            shutil.rmtree(work_dir, ignore_errors=True)


def _log_wrong_settings(sentences: list[str]) -> None:
    """One line for each mistake."""
    for sentence in sentences:
        log(AgentEvent.SETTING_WRONG, logging.ERROR, reason=sentence)


class _WorkDirError(Exception):
    """The working folder can't be made. The message says what to do."""


def _make_work_dir(wanted: Path | None) -> Path:
    try:
        if wanted is None:
            return Path(tempfile.mkdtemp(prefix="restream-"))
        wanted.mkdir(mode=0o700, parents=True, exist_ok=True)
        return wanted
    except OSError as e:
        raise _WorkDirError(
            f"The working folder cannot be made ({e}): set WORK_DIR to a folder the agent may "
            "write to (in Docker, mount a tmpfs at /tmp)."
        ) from e


if __name__ == "__main__":
    code = quiet_when_unread(main)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # not sys.exit, which waits for a hanging name look-up as well
