"""Notices, really delivered: of each kind, few when a node flaps, never at the relay's cost."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from agent.notices import record
from agent.notices.child import deliver
from agent.notices.rules import DAY_S, ToldNotices
from agent.notices.wording import trial
from tests.e2e.agents import AgentProcess
from tests.e2e.coordinator_stand_in import STREAM_ID, CoordinatorStandIn
from tests.e2e.notice_receiver import NOTICE_S_MAX, SECRET, NoticeReceiver, hanging, receiving
from tests.e2e.watched import AGENT_PATH, HOST, running
from tests.ports import free_port

RESIDENT_KB_MAX = 60_000
SENDER = "agent.notices.send"
LOOKS = 4
"""Heartbeats in which the agent has looked at least once more."""


@pytest.fixture
def coordinator() -> Iterator[CoordinatorStandIn]:
    """Its ingest is never reached: notices are about what it says."""
    stand_in = CoordinatorStandIn(f"rtmp://{HOST}:{free_port()}/live/{STREAM_ID}")
    stand_in.start()
    yield stand_in
    stand_in.stop()


@pytest.fixture
def receiver() -> Iterator[NoticeReceiver]:
    """The operator's service."""
    with receiving() as started:
        yield started


def node_of(coordinator: CoordinatorStandIn, folder: Path, urls: str) -> AgentProcess:
    """A node whose operator wants notices."""
    return AgentProcess(folder, coordinator.url, STREAM_ID=STREAM_ID, NOTIFY_URLS=urls)


def stands(coordinator: CoordinatorStandIn, status: str, **told: str) -> None:
    """From now on the coordinator says this of the node."""
    fixed = {"says": f"It is {status}.", "fix": "Repair it.", "earned": "0"}
    coordinator.told = {"status": status, "reason": status, **fixed, **told}


def wait_for_looks(coordinator: CoordinatorStandIn, node: AgentProcess) -> None:
    """Wait until the agent has looked at what is said now."""
    heard = len(coordinator.beats())
    node.wait_until("looks", lambda: len(coordinator.beats()) >= heard + LOOKS)


def wait_for_notices(receiver: NoticeReceiver, node: AgentProcess, *titles: str) -> None:
    """Wait for exactly these, in this order, since the start."""
    node.wait_until(f"{titles}", lambda: receiver.titles == list(titles), NOTICE_S_MAX)


def senders(node: AgentProcess) -> list[int]:
    """Its processes that deliver a notice now."""
    children = Path(f"/proc/{node.process.pid}/task/{node.process.pid}/children").read_text()
    return [pid for pid in map(int, children.split()) if SENDER in _command(pid)]


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def test_every_change_is_told_and_a_flapping_node_sends_few(
    coordinator: CoordinatorStandIn, receiver: NoticeReceiver, tmp_path: Path
) -> None:
    """Trouble and its end at once; then only what is worse; after a restart nothing again."""
    stands(coordinator, "healthy", reason="unproven")
    with running(node_of(coordinator, tmp_path, receiver.address)) as node:
        wait_for_looks(coordinator, node)
        stands(coordinator, "healthy", reason="ok")
        sent = ["passed its first check"]
        wait_for_notices(receiver, node, *sent)
        for status, title in (("unhealthy", "unhealthy"), ("healthy", "all is well again")):
            stands(coordinator, status)
            wait_for_notices(receiver, node, *sent, title)
            sent.append(title)
        for status in ("unhealthy", "healthy", "unhealthy"):
            stands(coordinator, status)
            wait_for_looks(coordinator, node)
        worse = (
            ("flagged", "flagged, its pay is parked"),
            ("suspended", "found absent, not paid until checks pass again"),
            ("fraud", "not paid any more"),
        )
        for status, title in worse:
            stands(coordinator, status)
            wait_for_notices(receiver, node, *sent, title)
            sent.append(title)
        # Delivered is not yet known to be: a node that is stopped in between would tell it again.
        node.wait_until("all known", lambda: len(node.events("notice_sent")) == len(sent))
        status_page, log = node.text("/"), node.output
        resident = Path(f"/proc/{node.process.pid}/status").read_text()
    with running(node_of(coordinator, tmp_path, receiver.address)) as node:
        wait_for_looks(coordinator, node)
        log += node.output
    assert receiver.titles == sent

    told = [(notice["type"], notice["message"].splitlines()[0]) for notice in receiver.notices]
    assert told[1:] == [
        ("warning", "It is unhealthy."),
        ("success", "It is healthy."),
        ("failure", "It is flagged."),
        ("failure", "It is suspended."),
        ("failure", "It is fraud."),
    ]
    assert "What to do: Repair it." in receiver.notices[1]["message"]
    kept = (tmp_path / record.FILE).read_text()
    assert SECRET not in status_page + log + kept
    assert int(resident.split("VmHWM:")[1].split()[0]) < RESIDENT_KB_MAX


def test_a_day_after_the_last_summary_the_next_one_comes(
    coordinator: CoordinatorStandIn, receiver: NoticeReceiver, tmp_path: Path
) -> None:
    """With what was earned meanwhile, and only one."""
    stands(coordinator, "healthy", earned="12.25")
    yesterday = ToldNotices(is_first_check_over=True, summary_s=time.time() - DAY_S, earned="11")
    record.save(tmp_path, yesterday)
    with running(node_of(coordinator, tmp_path, receiver.address)) as node:
        wait_for_notices(receiver, node, "the last day")
        # Delivered is not yet known to be, and only what is known is kept.
        node.wait_until("it known", lambda: node.events("notice_sent"))
        wait_for_looks(coordinator, node)
    assert receiver.titles == ["the last day"]
    message = receiver.notices[0]["message"]
    assert "Earned: 12.25 tokens, +1.25 since the last summary" in message
    kept: dict[str, Any] = json.loads((tmp_path / record.FILE).read_text())
    assert kept["summary_s"] > asdict(yesterday)["summary_s"]


def test_what_cannot_be_delivered_is_said_without_its_address_and_the_rest_arrives(
    coordinator: CoordinatorStandIn, receiver: NoticeReceiver, tmp_path: Path
) -> None:
    """A closed port, and a service that Apprise does not know."""
    stands(coordinator, "unhealthy")
    urls = f"nosuch://{SECRET}, json://{HOST}:1/{SECRET} {receiver.address}"
    with running(node_of(coordinator, tmp_path, urls)) as node:
        wait_for_notices(receiver, node, "unhealthy")
        node.wait_until("the event", lambda: node.events("notice_sent"))
        unusable = node.events("notify_url_unusable")
        failed = node.events("notice_undelivered")
        assert [event["address"] for event in unusable] == [1]
        assert [(event["address"], event["service"]) for event in failed] == [(1, ""), (2, "JSON")]
        assert SECRET not in node.output


def test_a_service_that_hangs_delays_nothing_and_is_left_behind(
    coordinator: CoordinatorStandIn, tmp_path: Path
) -> None:
    """Heartbeats go on, and a stop does not wait for it."""
    stands(coordinator, "unhealthy")
    with hanging() as (address, deaf), running(node_of(coordinator, tmp_path, address)) as node:
        connection, _ = deaf.accept()
        with connection:
            sending = senders(node)  # now: it is given up after a while
            heard = len(coordinator.beats())
            node.wait_until("heartbeats", lambda: len(coordinator.beats()) >= heard + 2)
            node.process.terminate()
            assert node.wait() == 0, node.output
    assert [SENDER in _command(pid) for pid in sending] == [False]


async def test_a_delivery_ends_when_its_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a sentence, and without a process left."""
    monkeypatch.setenv("PYTHONPATH", AGENT_PATH)
    with hanging() as (address, _):
        deliveries = await deliver([address], trial(), seconds_max=0.5)
    assert [(d.is_delivered, d.trouble) for d in deliveries] == [
        (False, "it took longer than 0.5 s")
    ]


def test_the_operator_can_try_the_addresses(receiver: NoticeReceiver) -> None:
    """One notice each, a line each, and a code; without any other setting."""
    wrong = receiver.address.replace(SECRET, "elsewhere")
    done = _notify_test(f"{receiver.address} {wrong}")
    assert done.stdout.splitlines() == [
        "address 1 (JSON): delivered.",
        "address 2 (JSON): it answered 404.",
    ]
    assert (done.returncode, receiver.titles) == (1, ["a test"])
    assert _notify_test(receiver.address).returncode == 0
    for urls in ("", "elsewhere"):
        done = _notify_test(urls)
        assert done.returncode == 2
        assert done.stdout.startswith("NOTIFY_URLS")


def _notify_test(urls: str) -> subprocess.CompletedProcess[str]:
    env = {"PYTHONPATH": AGENT_PATH, "NOTIFY_URLS": urls}
    argv = [sys.executable, "-m", "agent", "notify-test"]
    return subprocess.run(argv, env=env, capture_output=True, text=True, timeout=60, check=False)
