"""What a notice says: what is so, and what to do. Pure."""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from agent.client.heartbeats import CoordinatorView
from agent.notices.kinds import Notice, NoticeKind
from agent.relay.meter import StreamView
from agent.relay.relay_supervisor import RelayView
from agent.shown.stats import AgentView
from agent.versions import UPDATE, says_old

_TITLES = {
    NoticeKind.UNHEALTHY: "unhealthy",
    NoticeKind.FLAGGED: "flagged, its pay is parked",
    NoticeKind.SUSPENDED: "found absent, not paid until checks pass again",
    NoticeKind.FRAUD: "not paid any more",
    NoticeKind.CLEARED: "all is well again",
    NoticeKind.FIRST_CHECK: "passed its first check",
    NoticeKind.SUMMARY: "the last day",
    NoticeKind.OLD_VERSION: "a newer version is out",
    NoticeKind.TEST: "a test",
}
_PROVEN = "From now on, minutes that a passed check follows are paid."
_AS_BEFORE = "Then start the node as before. It stays the same node."
_TEST = "If you can read this, notices of this node will reach you here."


@dataclass(frozen=True)
class Facts:
    """All that a notice can be about. `coordinator_url` has a page of the node.

    `ailment`: what keeps its relay from running, if anything does.
    """

    coordinator_url: str
    coordinator: CoordinatorView
    agent: AgentView
    relay: RelayView
    stream: StreamView
    ailment: str = ""


def word(kind: NoticeKind, facts: Facts, earned_before: str) -> Notice:
    """`earned_before`: tokens at the last summary, empty if there was none."""
    title = f"Node {facts.agent.node_id}: {_TITLES[kind]}"
    lines = _sentences(facts)
    if kind is NoticeKind.FIRST_CHECK:
        lines = [_PROVEN]
    elif kind is NoticeKind.OLD_VERSION:
        lines = _old_version(facts)
    elif kind is NoticeKind.SUMMARY:
        lines = [*lines, *_summary(facts, earned_before)]
    if facts.agent.stream_id:
        lines.append(f"Stream: {facts.agent.stream_id}")
    lines.append(f"{facts.coordinator_url}/n/{facts.agent.node_id}")
    return Notice(kind, title, "\n".join(lines))


def trial() -> Notice:
    """What `notify-test` sends."""
    return Notice(NoticeKind.TEST, f"Restream node: {_TITLES[NoticeKind.TEST]}", _TEST)


def _sentences(facts: Facts) -> list[str]:
    coordinator = facts.coordinator
    if facts.ailment:  # from outside it looks like a closed port, and that fix would mislead
        return [facts.ailment]
    if coordinator.trouble:
        return [coordinator.trouble, "The relay goes on."]
    if coordinator.answer is None:
        return []
    said = [coordinator.answer.says]
    return [*said, f"What to do: {coordinator.answer.fix}"] if coordinator.answer.fix else said


def _old_version(facts: Facts) -> list[str]:
    answer = facts.coordinator.answer
    says = says_old(answer.told.newest_agent if answer else "")
    return [says, f"What to do, in the folder of its repository: {UPDATE}", _AS_BEFORE]


def _summary(facts: Facts, earned_before: str) -> list[str]:
    answer = facts.coordinator.answer
    relay, stream = facts.relay, facts.stream
    lines = (
        [f"Earned: {answer.earned} tokens{_gain(answer.earned, earned_before)}"] if answer else []
    )
    return [
        *lines,
        f"Relay: {relay.state}, {relay.restarts} restarts; {stream.viewers} viewers now",
        f"Sent since the relay's start: {stream.bytes_out / 1e6:.1f} MB",
    ]


def _gain(earned: str, before: str) -> str:
    try:
        return f", {Decimal(earned) - Decimal(before):+f} since the last summary"
    except InvalidOperation:
        return ""
