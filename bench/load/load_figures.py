"""What one crowd's life came to, in rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.load.crowd_life import CallCounts, CrowdLife
from bench.load.public_answers import AnswerCost, PublicAnswer, largest, slowest
from bench.report import Figure


@dataclass(frozen=True, slots=True)
class LoadOutcome:
    """All that was measured at one number of nodes."""

    size: int
    life: CrowdLife
    steady: CallCounts
    memory_mb: Mapping[str, float]
    answers: Sequence[PublicAnswer]
    costs: Mapping[str, AnswerCost]
    """By route."""
    polls: int
    wrongly_down: int
    epochs_due: int
    unsettled: int
    """Of those."""
    audit: int
    """0: equal."""


def figures_of(found: LoadOutcome) -> list[Figure]:
    """The rows of one number of nodes."""
    size = f"{found.size:,} nodes"
    rows = [*_joining(found), *_calls(found), *_answers(found), *_laws(found)]
    memory = found.memory_mb
    others = ", ".join(f"{name} {memory[name]:.0f}" for name in memory if name != "api")
    rows.append(Figure("the api's memory at its most", memory["api"], "MB", "<= 350", others))
    return [Figure(f"{size}: {f.name}", f.value, f.unit, f.goal, f.peer) for f in rows]


def _joining(found: LoadOutcome) -> list[Figure]:
    life, half = found.life, len(found.life.half)
    storm = life.storm
    stood = set.intersection(*life.stood) if life.stood else set()
    told = 100 * (1 - storm.lost / max(1, storm.count))
    turned_away = f"{storm.early:,} told when, {storm.lost:,} of {storm.count:,} lost"
    each = ", ".join(f"{len(names):,}" for names in life.stood)
    cpu_ms = {name: 1e3 * spent_s for name, spent_s in life.join_cpu_s.items()}
    return [
        Figure(
            "restarted three times, and within two sweeps on the roster each time",
            100 * len(stood) / half,
            "%",
            ">= 100",
            f"of {half:,}: {each}",
        ),
        Figure("joins a second, six of ten nodes within 4 s", life.joined_per_s, "/s"),
        Figure("CPU of a join in the api", cpu_ms.pop("api"), "ms", "", _parts(cpu_ms)),
        Figure(
            "calls while they join: taken in, or told early when to come again",
            told,
            "%",
            ">= 100",
            turned_away,
        ),
    ]


def _calls(found: LoadOutcome) -> list[Figure]:
    steady, rest = found.steady, found.life.rest
    return [
        Figure("heartbeats in the steady state that are not answered", steady.lost, "", "<= 0"),
        Figure("the same: p95", steady.p95_s * 1e3, "ms", "", f"{steady.count:,} heartbeats"),
        Figure("the killed api answers again after", found.life.back_after_s, "s", "<= 15"),
        Figure("heartbeats lost while nodes restart and the api is killed", rest.lost, ""),
    ]


def _answers(found: LoadOutcome) -> list[Figure]:
    large, slow = largest(found.answers), slowest(found.answers)
    wrong = [f"{one.route}: {one.status}" for one in found.answers if one.status != 200]
    rows = [
        Figure("the largest public answer", large.bytes_max / 1e6, "MB", "<= 1", large.route),
        Figure("the slowest public answer, p95", slow.p95_s * 1e3, "ms", "<= 100", slow.route),
        Figure("public routes that fail", len(wrong), "", "<= 0", "; ".join(wrong)),
    ]
    dearest = max(found.costs, key=lambda route: found.costs[route].api_s)
    cost_ms = found.costs[dearest].api_s * 1e3
    rows.append(Figure("the dearest public answer: CPU", cost_ms, "ms", "<= 100", dearest))
    alone = max(found.costs, key=lambda route: found.costs[route].p95_s)
    alone_ms = found.costs[alone].p95_s * 1e3
    rows.append(Figure("the slowest while nobody else asks, p95", alone_ms, "ms", "", alone))
    for one in found.answers:
        cost = found.costs[one.route]
        told = (
            f"{one.bytes_max:,} B; alone {cost.p95_s * 1e3:.0f} ms, CPU {cost.api_s * 1e3:.1f} ms, "
            f"the emulator's {cost.database_s * 1e3:.1f} ms"
        )
        rows.append(Figure(f"{one.route}: p95", one.p95_s * 1e3, "ms", "", told))
    return rows


def _laws(found: LoadOutcome) -> list[Figure]:
    polls, due = f"of {found.polls:,} polls", f"{found.epochs_due} due"
    return [
        Figure("reachable nodes called down, polls", found.wrongly_down, "", "<= 0", polls),
        Figure("epochs that are due and not settled", found.unsettled, "", "<= 0", due),
        Figure("audit: 0 is equal", found.audit, "", "<= 0"),
    ]


def _parts(spent_ms: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {each_ms:.1f}" for name, each_ms in spent_ms.items())
