"""A model of Cloud Logging and Cloud Monitoring, as far as our policies ask them.

What is modelled: which lines a filter takes, what a metric on lines counts and how late, and when a
condition is met. The sources are Google's documents and the facts in docs/adr/0096. A comparison, a
query or an aligner that no policy of ours has is refused, so nothing passes by not being read.
"""

import json
import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

STEP_S = 60
"""How often conditions are looked at."""
SEVERITIES = ("DEFAULT", "DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL")
COMPARISON = re.compile(r'([\w.@]+?)(?:(=~|!=|>=|=)"([^"]*)"|(>=)([A-Z]+))')
COUNTED = "logging.googleapis.com/user/"

Labels = Mapping[str, Any]


@dataclass
class Series:
    """A time series: how it is named, and its points in the order of time."""

    labels: Labels
    """As filters name them: `metric` and `resource`, each with its type and labels."""
    times: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    def add(self, at_s: float, value: float) -> None:
        """One point, wherever it belongs."""
        index = bisect_right(self.times, at_s)
        self.times.insert(index, at_s)
        self.values.insert(index, value)

    def within(self, window_s: float, at_s: float) -> list[float]:
        """The values of the window that ends here, in the order of time."""
        first, last = bisect_right(self.times, at_s - window_s), bisect_right(self.times, at_s)
        return self.values[first:last]


@dataclass
class Cloud:
    """What happened in a project, from the end of the first apply (second 0) on."""

    metrics: Iterable[Mapping[str, Any]]
    """The planned metrics on lines."""
    late_s: float = 0.0
    """How much later than their lines the counts arrive."""
    series: dict[str, Series] = field(default_factory=dict)
    entries: list[tuple[float, Labels]] = field(default_factory=list)
    _counted: dict[str, list[str]] = field(default_factory=dict)

    def write(self, at_s: float, entry: Labels) -> None:
        """A line of the log, and what it counts as."""
        self.entries.append((at_s, entry))
        key = json.dumps(entry, sort_keys=True)
        if key not in self._counted:
            taken = [m["name"] for m in self.metrics if matches(m["filter"], entry)]
            self._counted[key] = taken
        for name in self._counted[key]:
            self.measure(at_s + self.late_s, COUNTED + name, entry["resource"], 1)

    def measure(
        self, at_s: float, kind: str, resource: Labels, value: float, **labels: str
    ) -> None:
        """A value that Google measures itself."""
        named = {"metric": {"type": kind, "labels": labels}, "resource": resource}
        key = json.dumps(named, sort_keys=True)
        self.series.setdefault(key, Series(named)).add(at_s, value)

    def incidents(self, policy: Mapping[str, Any], until_s: int) -> list[float]:
        """When a policy's condition is met, in each step of the time up to then."""
        assert policy["combiner"] == "OR"
        (condition,) = policy["conditions"]
        if policy["enabled"] is False:
            return []
        if lines := condition["condition_matched_log"]:
            return [at_s for at_s, entry in self.entries if matches(lines[0]["filter"], entry)]
        everything = list(self.series.values())
        if missing := condition["condition_absent"]:
            met, held_s = _absent(missing[0], everything), 0.0
        elif query := condition["condition_prometheus_query_language"]:
            met, held_s = _asked(query[0], everything), _seconds(query[0]["duration"])
        else:
            (threshold,) = condition["condition_threshold"]
            met, held_s = _above(threshold, everything), _seconds(threshold["duration"])
        return _held(met, held_s, until_s)


Met = Callable[[float], bool]


def _held(met: Met, held_s: float, until_s: int) -> list[float]:
    """When it has been met for so long without a gap."""
    found, since_s = [], None
    for at_s in range(STEP_S, until_s + STEP_S, STEP_S):
        since_s = (at_s if since_s is None else since_s) if met(at_s) else None
        if since_s is not None and at_s - since_s >= held_s:
            found.append(float(at_s))
    return found


def matches(text: str, labels: Labels) -> bool:
    """Whether a filter takes a line or a time series."""
    return all(_holds(one, labels) for one in text.split(" AND "))


def _holds(comparison: str, labels: Labels) -> bool:
    read = COMPARISON.fullmatch(comparison)
    assert read, f"this model cannot read {comparison}"
    name, how, wanted, least, severity = read.groups()
    found: Any = labels
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    if least:
        return SEVERITIES.index(str(found or "DEFAULT")) >= SEVERITIES.index(severity)
    if found is None:
        return False
    if how == "=~":
        return re.search(wanted, str(found)) is not None
    return (str(found) == wanted) is (how == "=")


def _seconds(text: str) -> float:
    return float(text.removesuffix("s"))


def _absent(condition: Mapping[str, Any], everything: list[Series]) -> Met:
    """Met after a point that was there: never, where none was since the policy was made."""
    mine = [each for each in everything if matches(condition["filter"], each.labels)]
    after_s = _seconds(condition["duration"])

    def met(at_s: float) -> bool:
        was_there = any(each.within(at_s, at_s) for each in mine)
        return was_there and not any(each.within(after_s, at_s) for each in mine)

    return met


ALIGNERS: dict[str, Callable[[list[float], float], float]] = {
    "ALIGN_RATE": lambda values, window_s: sum(values) / window_s,
    "ALIGN_NEXT_OLDER": lambda values, _: values[-1],
    "ALIGN_PERCENTILE_95": lambda values, _: sorted(values)[len(values) * 95 // 100],
}
REDUCERS: dict[str, Callable[[list[float]], float]] = {
    "REDUCE_SUM": sum,
    "REDUCE_MAX": max,
    "REDUCE_COUNT_FALSE": lambda values: sum(not value for value in values),
}


def _above(condition: Mapping[str, Any], everything: list[Series]) -> Met:
    """Any group of series that is above the threshold. A group without points is none."""
    assert condition["comparison"] == "COMPARISON_GT"
    over, of = condition["threshold_value"], condition["denominator_filter"]
    mine = [each for each in everything if matches(condition["filter"], each.labels)]
    whole = [each for each in everything if of and matches(of, each.labels)]

    def met(at_s: float) -> bool:
        values = _aligned(condition["aggregations"][0], mine, at_s)
        if of:
            wholes = _aligned(condition["denominator_aggregations"][0], whole, at_s)
            values = {key: values.get(key, 0) / each for key, each in wholes.items() if each}
        return any(value > over for value in values.values())

    return met


def _aligned(how: Mapping[str, Any], series: list[Series], at_s: float) -> dict[str, float]:
    window_s = _seconds(how["alignment_period"])
    groups = defaultdict[str, list[float]](list)
    for each in series:
        if values := each.within(window_s, at_s):
            group = repr([_named(name, each.labels) for name in how["group_by_fields"] or ()])
            groups[group].append(ALIGNERS[how["per_series_aligner"]](values, window_s))
    return {key: REDUCERS[how["cross_series_reducer"]](each) for key, each in groups.items()}


def _named(name: str, labels: Labels) -> str:
    kind, _, label = name.split(".")
    return str(labels[kind]["labels"].get(label))


SELECTOR = r'\{"([\w./]+)", monitored_resource="(\w+)"\}\[(\d+)s\]'
ABSENT = re.compile(
    rf"absent_over_time\({SELECTOR}\)"
    rf"(?: unless on\(\) \(sum\(sum_over_time\({SELECTOR}\)\) > 0\))?"
)
COUNT = re.compile(rf"sum(?: by \((\w+)\) )?\(sum_over_time\({SELECTOR}\)\) > (\d+)")


def _asked(condition: Mapping[str, Any], everything: list[Series]) -> Met:
    """The two shapes of PromQL that we use. A metric that nothing was written to has no series."""
    assert condition["disable_metric_validation"], "it would be refused before the first line"
    query = condition["query"]
    if absent := ABSENT.fullmatch(query):
        kind, resource, window, *gate = absent.groups()
        mine = _selected(everything, kind, resource)
        gates = _selected(everything, *gate[:2]) if gate[0] else []

        def missing(at_s: float) -> bool:
            is_there = any(each.within(float(window), at_s) for each in mine)
            gated = sum(sum(each.within(float(gate[2]), at_s)) for each in gates)
            return not is_there and not gated

        return missing
    count = COUNT.fullmatch(query)
    assert count, f"this model cannot read {query}"
    by, kind, resource, window, over = count.groups()
    counted = _selected(everything, kind, resource)

    def many(at_s: float) -> bool:
        groups = defaultdict[str, float](float)
        for each in counted:
            group = str(each.labels["resource"]["labels"].get(by))
            groups[group] += sum(each.within(float(window), at_s))
        return any(value > int(over) for value in groups.values())

    return many


def _selected(everything: list[Series], kind: str, resource: str) -> list[Series]:
    name = f'metric.type="{kind}" AND resource.type="{resource}"'
    return [each for each in everything if matches(name, each.labels)]
