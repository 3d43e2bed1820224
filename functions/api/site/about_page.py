"""`/about`: how everything is measured, with every limit and why it is what it is."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from fastapi import FastAPI, Request
from starlette.responses import Response

from api.http.problems import ProblemKind
from api.services.services import Services
from api.site.rendering import Renderer
from coordinator.checking.suspicion import DEGRADED_OF, PUBLISHED
from coordinator.epochs import EVIDENCE_DAYS
from coordinator.proof.judging import ProofParameters
from coordinator.reasons import Reason
from coordinator.sweeping.polls import OFFLINE_AFTER_MISSES


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit of a check in words."""

    says: str
    value: str
    why: str


_WORDS = {
    "window_s": (
        "How old a packet may be to belong to the stream of now",
        "{:g} s",
        "A relay keeps up to 20 s of pictures for newcomers, and may itself be late. What is "
        "older is a recording.",
    ),
    "lag_max_s": (
        "How far the newest packet may lie behind the ingest",
        "{:g} s",
        "A delayed copy is not live. Our own clocks and lines err by less than half a second, "
        "so a copy 5 s late always fails.",
    ),
    "grace_s": (
        "How much later than a viewer of the node we may get a packet ourselves",
        "{:g} s",
        "The reference takes another way through the Internet; a node is not to suffer for it.",
    ),
    "size_min": (
        "Smallest packet that proves anything",
        "{} bytes",
        "Silence and black pictures are smaller, and repeat by chance.",
    ),
    "packets_min": (
        "Fewest packets of one track, each different from all others, that a check is decided by",
        "{}",
        "Fewer prove too little. Where no picture and no sound has them, the ingest's marks do.",
    ),
    "share_min": (
        "Least share of the packets of each track, and of their bytes, that is delivered",
        "{:.0%}",
        "Honest relays brought all of them in 140 of 140 checks. Less than that is less than the "
        "stream; the rest is for a picture that one of them drops.",
    ),
    "offset_tolerance_ms": (
        "How much timestamps may shift against the ingest's",
        "{} ms",
        "A relay passes them on, so they lie a constant apart, but for rounding. A loop that "
        "is timed anew shows.",
    ),
    "edge_s": (
        "How freely sound and picture may be ordered where a viewer begins",
        "{:g} s",
        "Servers start with a keyframe, and send the sound beside it a little earlier or later.",
    ),
    "gop_max_s": (
        "Longest wait for a keyframe",
        "{:g} s",
        "Where keyframes lie further apart no viewer waits for one: all is due at once.",
    ),
    "rich_max_s": (
        "Longest time for the fewest packets of the track that leads",
        "{:g} s",
        "Slides take longer: sound or the ingest's marks prove the stream sooner.",
    ),
    "doubt_s": (
        "How long a check in doubt is repeated for",
        "{:g} s",
        "Long enough to tell a stall from a line that carries less than the stream.",
    ),
    "creep_max_s": (
        "How much a delay may grow from quarter to quarter of a pass",
        "{:g} s",
        "An honest delay jumps and comes back. One that only grows puts a pass in doubt.",
    ),
    "growing_s": (
        "From which length on a growing delay fails",
        "{:g} s",
        "The delay of a line of nine tenths of the rate grows by a second in ten.",
    ),
    "setup_s": (
        "Time that is granted for connecting",
        "{:g} s",
        "TCP, the handshake and the play command are five round trips of a fifth of a second.",
    ),
    "stall_s": (
        "How much may be missing at the end",
        "{:g} s",
        "An honest connection stalls for so long when a packet is lost and sent again.",
    ),
    "silence_max_s": (
        "Longest silence of the ingest that is no gap",
        "{:g} s",
        "Even a still picture with silence has packets more often. A gap is our fault: the "
        "check is unknown.",
    ),
    "capture_min_s": (
        "Shortest connection",
        "{:g} s",
        "Long enough for the packets above, short enough not to cost an operator upload.",
    ),
    "capture_max_s": (
        "Longest connection",
        "{:g} s",
        "The longest wait for a keyframe, and ten packets of a slow track, fit in.",
    ),
    "growth_max_s": (
        "How much a delay may grow during a pass",
        "{:g} s",
        "Beyond it the check is repeated for longer: a short one cannot tell a stall from a line "
        "that carries half of the stream. A long one fails if it grew all the time.",
    ),
    "tail_max_s": (
        "How much of the end may be missing from a pass",
        "{:g} s",
        "Likewise: it may be a node that stops after some kilobytes.",
    ),
    "busy_s": (
        "How late our own machine may be before a check says nothing of lateness or absence",
        "{:g} s",
        "What a busy machine reads late, or asks for late, is no node's fault.",
    ),
    "evidence_min": (
        "Fewest packets of other content that prove it to be other content",
        "{}",
        "One that we missed ourselves is not proof; so many at once we do not miss.",
    ),
}
"""Of each parameter: what it limits, how it is written, and why it is what it is."""


def limits_of(rules: ProofParameters) -> dict[str, Limit]:
    """Every field of the parameters, by its name."""
    return {
        name: Limit(says, form.format(getattr(rules, name)).replace("%", " %"), why)
        for name, (says, form, why) in _WORDS.items()
    }


@dataclass(frozen=True, slots=True)
class Weight:
    """What one kind of check adds to a score."""

    outcome: str
    honest: float
    """How often honest nodes have it."""
    cheating: float
    """How often nodes that serve half of the time have it."""
    weight: int


WEIGHTS = (
    Weight("passed", 0.97, 0.49, PUBLISHED.passed),
    Weight("degraded: passed only when repeated", 0.0291, 0.25, PUBLISHED.degraded),
    Weight("failed, and failed when repeated", 0.0009, 0.26, PUBLISHED.failed),
)
"""Each is a thousand times the natural logarithm of cheating / honest."""


def install(app: FastAPI, renderer: Renderer, services: Services) -> None:
    """Adds the page."""
    app.get("/about", include_in_schema=False)(_handler(renderer, services))


def _handler(renderer: Renderer, services: Services) -> Callable[[Request], Awaitable[Response]]:
    async def about(request: Request) -> Response:
        calendar = services.calendar
        now_s = services.clock()
        return renderer.page(
            request,
            "about.html",
            base_url=services.base_url(request),
            calendar=calendar,
            settled_epoch=calendar.epoch_at(now_s - calendar.grace_seconds) - 1,
            yesterday=f"{datetime.fromtimestamp(now_s - 86_400, UTC):%Y-%m-%d}",
            evidence_days=EVIDENCE_DAYS,
            offline_after=OFFLINE_AFTER_MISSES,
            limits=limits_of(ProofParameters()).values(),
            suspicion=PUBLISHED,
            degraded_of=DEGRADED_OF,
            weights=WEIGHTS,
            reasons=list(Reason),
            problems=list(ProblemKind),
        )

    return about
