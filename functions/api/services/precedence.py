"""What is said in a node's name, and does not count: from elsewhere, too late, or by another."""

from api.http.problems import Problem, ProblemKind
from api.services.dial_back import PortResult
from api.wire.nodes import HeartbeatIn
from coordinator.projections.network_view import NodeView
from coordinator.reasons import Reason
from coordinator.sweeping.nodes import Node
from coordinator.sweeping.polls import Outcome

ELSEWHERE = PortResult(False, Reason.KEY_ELSEWHERE.says, Reason.KEY_ELSEWHERE)


def require_signed(beat: HeartbeatIn, peer: str) -> None:
    """A problem where a node is taken to be where it calls from, and has not signed that address.

    So a captured heartbeat moves nobody: whoever sends it again calls from elsewhere. Where nobody
    knows the address of the call, it is refused for that."""
    if beat.stats_url is None and peer and beat.address != peer:
        raise Problem(
            ProblemKind.ADDRESS_UNSIGNED,
            f"You call from {peer}: sign that as your address, and send it again.",
            address=peer,
        )


def require_latest(known: Node, said: Node) -> None:
    """A problem where the node has said something else since: this came late, or again."""
    if said.signed_s <= known.signed_s:
        raise Problem(
            ProblemKind.OVERTAKEN,
            f"This was signed at {said.signed_s}, and another heartbeat at {known.signed_s}.",
        )


def runs_elsewhere(view: NodeView | None, known: Node, said: Node) -> bool:
    """Whether another machine of the same key is polled, and answers: `said` is of one that waits.

    Who has moved is missed there by the next sweep, and is heard then."""
    if view is None or view.poll is None or known.state != "running":
        return False
    answers = view.poll.outcome in (Outcome.UP, Outcome.IDLE) and view.slot.left_tick is None
    return answers and view.slot.stats_url == known.stats_url != said.stats_url
