"""Is the node earning, and if not, why and what to do. Pure."""

from dataclasses import dataclass

from agent.client.answers import HeartbeatAnswer
from agent.client.heartbeats import UNVERIFIED, CoordinatorView

_TITLES = {
    "healthy": "This node is earning",
    "idle": "This node is ready; nobody is publishing now",
    "pending": "This node is announced and waits for its first check",
    "flagged": "This node's pay is parked while checks are repeated",
    "suspended": "Checks found nobody serving here: nothing is paid until they pass again",
    "fraud": "This node is not paid any more",
    "left": "This node has left",
}
_WAITING = ("idle", "pending")
SHORT_S = 7_200.0
"""A balance that ends so soon does not last to the end of the next epoch."""


@dataclass(frozen=True)
class Earning:
    """The answer: `kind` is yes, waits or no."""

    kind: str
    title: str
    says: tuple[str, ...] = ()
    fix: str = ""
    said_before: str = ""
    """By the coordinator, which cannot be asked now; the fix is of then, too."""


def earning_of(coordinator: CoordinatorView | None, ailment: str) -> Earning:
    """`coordinator` is None on an ingest; `ailment`: what keeps the relay from running, if any."""
    if coordinator is None:
        says = "It earns nothing: nodes pull the streams from it."
        return Earning("no" if ailment else "waits", "This is an ingest", _told(ailment, says))
    answer, trouble = coordinator.answer, coordinator.trouble
    if ailment and answer:
        # From outside a relay that does not run looks like a closed port: that fix would mislead.
        title = "This node is not earning: its relay does not run"
        return Earning("no", title, _told(ailment, trouble))
    if answer is None:
        kind = "waits" if coordinator.is_waiting else "no"
        return Earning(kind, "This node is not earning yet", _told(ailment, trouble))
    if trouble:
        title = "This node goes on relaying, but does not reach the coordinator"
        return Earning("no", title, (trouble,), answer.fix, answer.says)
    unverified = UNVERIFIED if answer.stream.is_unverified else ""
    return Earning(*_stands(answer), _told(answer.says, unverified, _outlook(answer)), answer.fix)


def _outlook(answer: HeartbeatAnswer) -> str:
    """What the coordinator says of the balance, once that is news."""
    lasts_s = answer.told.balance_lasts_s
    is_short = lasts_s is not None and lasts_s < SHORT_S
    return answer.told.balance_says if is_short or answer.stream.status == "exhausted" else ""


def _told(*sentences: str) -> tuple[str, ...]:
    """Each once, and none that is empty."""
    return tuple(dict.fromkeys(sentence for sentence in sentences if sentence))


def _stands(answer: HeartbeatAnswer) -> tuple[str, str]:
    if answer.status == "healthy" and answer.reason == "unproven":
        return "waits", "This node is well and waits for its first passed check"
    if answer.reason == "check_failed":
        return "no", "This node earns nothing until a check passes"
    if answer.status == "healthy" and answer.stream.status == "exhausted":
        return "no", "This node is well, but the stream's tokens are used up"
    if answer.status == "healthy" and answer.stream.is_unverified:
        return "waits", "This node is well, but nobody can be verified on its stream now"
    title = _TITLES.get(answer.status, "This node is not earning")
    kind = "waits" if answer.status in _WAITING else "no"
    return "yes" if answer.status == "healthy" else kind, title
