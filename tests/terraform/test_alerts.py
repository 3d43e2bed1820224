"""Every alert can be met on the first day, and none cries at a network that is well or at rest.

A scenario is hours of what a project of ours logs and measures, from the end of the first apply on.
Its lines are those that the real functions and agents write (tests/log_lines.json, held to them by
tests/integration/test_alarms.py and tests/e2e/test_agent.py). Which alerts it raises is said whole.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from tests.terraform.monitoring import Cloud
from tests.terraform.plans import EVERYTHING, REQUIRED, ROOT, applied, planned, resources

RECORDED: Mapping[str, dict[str, Any]] = json.loads((ROOT / "tests" / "log_lines.json").read_text())
HOUR_S, MINUTE_S = 3600, 60
UNTIL_S = 4 * HOUR_S
LATE_S = 600
"""Of counts of lines, at the worst (Google, Troubleshoot log-based metrics)."""
REVIEW_S = 600
MACHINES = {"type": "gce_instance", "labels": {"instance_id": "4711"}}
CHECKERS = ("usa", "europe", "asia")
JOBS = ("collector-0", "prober-even-0", "prober-odd-0", "payout")


def _alerts() -> dict[str, dict[str, Any]]:
    """By name. Where the checker has made up one id for all uptime checks, each gets its own."""
    found = resources(applied(), "google_monitoring_alert_policy")
    return {one.key: json.loads(_apart(one.key, json.dumps(one.values))) for one in found}


def _apart(key: str, policy: str) -> str:
    return re.sub(r'check_id=\\"[^"]*\\"', rf"check_id=\"{key.removesuffix('_down')}\"", policy)


def _service(function: str) -> dict[str, Any]:
    return {"type": "cloud_run_revision", "labels": {"service_name": f"restream-{function}"}}


@dataclass
class Scene:
    """What happens, told minute by minute. All is well but for what is switched off."""

    cloud: Cloud

    def line(self, at_s: float, name: str, **fields: Any) -> None:
        """A line that a function has written."""
        payload = RECORDED[name] | fields
        severity = payload.pop("severity")
        resource = _service(payload["service"])
        self.cloud.write(at_s, {"resource": resource, "severity": severity, "jsonPayload": payload})

    def failed_call(self, at_s: float, job: str) -> None:
        """A call that Cloud Scheduler has given up."""
        payload = {name: each for name, each in RECORDED["calls"].items() if name != "severity"}
        resource = {"type": "cloud_scheduler_job", "labels": {"job_id": f"restream-{job}"}}
        self.cloud.write(at_s, {"resource": resource, "severity": "ERROR", "jsonPayload": payload})

    def crash(self, at_s: float) -> None:
        """A relay of a machine ends by itself."""
        project = REQUIRED["project_id"]
        entry = {"resource": MACHINES, "logName": f"projects/{project}/logs/cos_containers"}
        self.cloud.write(at_s, entry | {"jsonPayload": RECORDED["crashes"]})

    def sweep(self, at_s: float, ms: float = 5_000) -> None:
        """One, and how long it took."""
        self.line(at_s, "sweeps")
        kind = "run.googleapis.com/request_latencies"
        self.cloud.measure(at_s, kind, _service("collector"), ms, response_code_class="2xx")

    def payout(self, at_s: float, *, is_resting: bool = False) -> None:
        """A call that leaves nothing undone."""
        self.line(at_s, "resting", state="resting" if is_resting else "measuring")
        self.line(at_s, "payouts", jobs="resting" if is_resting else "measuring")

    def answers(self, at_s: float, ms: float = 80, of_hundred: int = 0) -> None:
        """A minute of the api: 100 requests, and how many of them failed."""
        api, counted = _service("api"), "run.googleapis.com/request_count"
        for code, number in (("2xx", 100 - of_hundred), ("5xx", of_hundred)):
            if number:
                self.cloud.measure(at_s, counted, api, number, response_code_class=code)
        self.cloud.measure(at_s, "run.googleapis.com/request_latencies", api, ms)

    def looks(self, at_s: float, check: str, reached_from: int = len(CHECKERS)) -> None:
        """Uptime checks from everywhere, and from how many places they pass."""
        kind = "monitoring.googleapis.com/uptime_check/check_passed"
        resource = {"type": "uptime_url", "labels": {"host": f"{check}.example.org"}}
        for number, place in enumerate(CHECKERS):
            passed = number < reached_from
            named = {"check_id": check, "checker_location": place}
            self.cloud.measure(at_s, kind, resource, passed, **named)

    def hours(
        self, *left_out: str, from_s: int = 0, until_s: int = UNTIL_S, is_resting: bool = False
    ) -> None:
        """A network that is well, or at rest, without some of its parts."""
        for at_s in range(from_s + MINUTE_S, until_s + 1, MINUTE_S):
            if not is_resting and "sweeps" not in left_out:
                self.sweep(at_s)
            if not is_resting and "runs" not in left_out:
                self.line(at_s, "runs")
            if at_s % REVIEW_S == 0 and "payouts" not in left_out:
                self.payout(at_s, is_resting=is_resting)
            if "answers" not in left_out:
                self.answers(at_s)
            if at_s % 300 == 0:
                for check in {"api", "ingest"} - {*left_out}:
                    self.looks(at_s, check)


Story = Callable[[Scene], None]


def _nothing_may_be_called(scene: Scene) -> None:
    """Cloud Scheduler's account lacks the invoker's role on each function."""
    scene.hours("sweeps", "runs", "payouts")
    for at_s in range(MINUTE_S, UNTIL_S, MINUTE_S):
        scene.failed_call(at_s, "collector-0")
        scene.failed_call(at_s, f"prober-{'odd' if at_s // MINUTE_S % 2 else 'even'}-0")
        if at_s % REVIEW_S == 0:
            scene.failed_call(at_s, "payout")


def _there_are_no_jobs(scene: Scene) -> None:
    """Or all were paused by hand: nothing is called, and so nothing fails."""
    scene.hours("sweeps", "runs", "payouts")


def _the_prober_is_never_called(scene: Scene) -> None:
    """Its job was made for another address."""
    scene.hours("runs")


def _the_collector_is_never_called(scene: Scene) -> None:
    scene.hours("sweeps")


def _the_payout_fails(scene: Scene) -> None:
    """From its first call on: it answers 500, and is called twice more each time."""
    scene.hours("payouts")
    for at_s in range(REVIEW_S, UNTIL_S, REVIEW_S):
        scene.line(at_s, "payouts", result="again")
        for again in range(3):
            scene.failed_call(at_s + 20 * again, "payout")


def _the_payout_hangs(scene: Scene) -> None:
    """Each call ends at its deadline, and so each attempt is a call later."""
    scene.hours("payouts")
    for at_s in range(560, UNTIL_S, 560):
        scene.failed_call(at_s, "payout")


def _the_payout_breaks_at_rest(scene: Scene) -> None:
    """Nobody says any more that nobody is there."""
    scene.hours(until_s=HOUR_S, is_resting=True)
    scene.hours("sweeps", "runs", "payouts", from_s=HOUR_S)


def _sometimes(name: str, every_s: int, scene: Scene) -> None:
    """A line of the log, again and again for half an hour, in a network that is well else."""
    scene.hours()
    for at_s in range(HOUR_S, HOUR_S + 1800, every_s):
        scene.line(at_s, name)


def _a_relay_crashes(scene: Scene) -> None:
    scene.hours()
    scene.crash(HOUR_S)


def _the_api(ms: float, of_hundred: int, minutes: int, scene: Scene) -> None:
    """Slow, or failing, for some minutes."""
    scene.hours("answers")
    for at_s in range(MINUTE_S, UNTIL_S, MINUTE_S):
        is_ill = HOUR_S <= at_s < HOUR_S + minutes * MINUTE_S
        scene.answers(at_s, *((ms, of_hundred) if is_ill else ()))


def _sweeps_take(ms: float, scene: Scene) -> None:
    scene.hours("sweeps")
    for at_s in range(MINUTE_S, UNTIL_S, MINUTE_S):
        scene.sweep(at_s, ms)


def _is_reached(check: str, places: int, scene: Scene) -> None:
    """From so few places, from the first look on."""
    scene.hours(check)
    for at_s in range(300, UNTIL_S, 300):
        scene.looks(at_s, check, places)


def _a_store_is_down_for_a_minute(scene: Scene) -> None:
    """One call of each job fails, and is tried again."""
    scene.hours()
    for job in JOBS:
        scene.failed_call(HOUR_S, job)
        scene.line(HOUR_S, "errors")


MISSING = {"no_sweep", "no_checks", "statement_late"}
RAISED: dict[str, tuple[Story, set[str]]] = {
    "nothing may be called": (_nothing_may_be_called, {"calls_fail", *MISSING}),
    "there are no jobs": (_there_are_no_jobs, MISSING),
    "the prober is never called": (_the_prober_is_never_called, {"no_checks"}),
    "the collector is never called": (_the_collector_is_never_called, {"no_sweep"}),
    "the payout fails": (_the_payout_fails, {"calls_fail", "statement_late"}),
    "the payout hangs": (_the_payout_hangs, {"statement_late"}),
    "the payout breaks at rest": (_the_payout_breaks_at_rest, MISSING),
    "a control node comes out wrong": (partial(_sometimes, "controls", 1800), {"control_wrong"}),
    "checks find no place": (partial(_sometimes, "capacity", 60), {"capacity"}),
    "readers disagree": (partial(_sometimes, "readers", 60), {"readers"}),
    "late checks are not recorded": (partial(_sometimes, "late", 1800), {"late_checks"}),
    "a roster is nearly full": (partial(_sometimes, "roster", 1800), {"roster_full"}),
    "a relay crashes": (_a_relay_crashes, {"relay_crashed"}),
    "errors without end": (partial(_sometimes, "errors", 10), {"errors"}),
    "the api fails": (partial(_the_api, 80, 10, 20), {"failing"}),
    "the api is slow": (partial(_the_api, 9_000, 0, 20), {"api_slow"}),
    "sweeps take nearly a minute": (partial(_sweeps_take, 50_000), {"sweeps_slow"}),
    "the api is reached from one place": (partial(_is_reached, "api", 1), {"api_down"}),
    "the ingest is reached from nowhere": (partial(_is_reached, "ingest", 0), {"ingest_down"}),
}
QUIET: dict[str, Story] = {
    "all is well": Scene.hours,
    "it rests from its first review on": partial(Scene.hours, is_resting=True),
    "a store is down for a minute": _a_store_is_down_for_a_minute,
    "a draw in five lacks places": partial(_sometimes, "capacity", 300),
    "readers disagree in a draw of five": partial(_sometimes, "readers", 300),
    "an error a minute": partial(_sometimes, "errors", 60),
    "two answers of a hundred fail": partial(_the_api, 80, 2, 60),
    "the api is slow for five minutes": partial(_the_api, 9_000, 0, 5),
    "sweeps take half a minute": partial(_sweeps_take, 30_000),
    "one place does not reach the api": partial(_is_reached, "api", 2),
    "one place does not reach the ingest": partial(_is_reached, "ingest", 2),
}


def _wakes(scene: Scene) -> None:
    """From one minute to the next, after an hour at rest; and falls asleep again."""
    scene.hours(until_s=HOUR_S, is_resting=True)
    scene.hours(from_s=HOUR_S, until_s=2 * HOUR_S + 540)
    scene.hours(from_s=2 * HOUR_S + 540, is_resting=True)


def _is_woken_at_midnight(scene: Scene) -> None:
    """For 25 minutes: a day is opened, and another one sealed."""
    scene.hours(until_s=HOUR_S, is_resting=True)
    scene.hours(from_s=HOUR_S, until_s=HOUR_S + 1500)
    scene.hours(from_s=HOUR_S + 1500, is_resting=True)


QUIET |= {"it wakes and falls asleep": _wakes, "midnight at rest": _is_woken_at_midnight}


def _told(story: Story, late_s: float) -> dict[str, list[float]]:
    """When which alert is met."""
    metrics = [one.values for one in resources(applied(), "google_logging_metric")]
    scene = Scene(Cloud(metrics, late_s))
    story(scene)
    found = {key: scene.cloud.incidents(each, UNTIL_S) for key, each in _alerts().items()}
    return {key: times for key, times in found.items() if times}


@pytest.mark.parametrize("late_s", [0, LATE_S])
@pytest.mark.parametrize("name", RAISED)
def test_what_goes_wrong_on_the_first_day_is_told_and_nothing_else(name: str, late_s: int) -> None:
    """By exactly those alerts that are for it, however late counts come."""
    story, wanted = RAISED[name]
    assert _told(story, late_s).keys() == wanted


@pytest.mark.parametrize("late_s", [0, LATE_S])
@pytest.mark.parametrize("name", QUIET)
def test_a_network_that_is_well_or_at_rest_is_quiet(name: str, late_s: int) -> None:
    """From its first minute on."""
    assert _told(QUIET[name], late_s) == {}


def test_every_alert_is_raised_by_a_story() -> None:
    """None is there that cannot be met."""
    assert set().union(*(wanted for _, wanted in RAISED.values())) == _alerts().keys()


def test_calls_that_fail_are_told_before_what_they_leave_undone() -> None:
    """Within minutes, and the rest within the first two hours."""
    told = _told(_nothing_may_be_called, 0)
    first_s = {key: times[0] for key, times in told.items()}
    assert first_s["calls_fail"] <= 300
    assert max(first_s.values()) <= 2 * HOUR_S
    assert min(first_s, key=first_s.__getitem__) == "calls_fail"


def test_nothing_counts_as_missing_in_less_than_a_quarter_of_an_hour() -> None:
    """Else a count that comes late is an alarm."""
    for key in MISSING:
        (condition,) = _alerts()[key]["conditions"]
        query = condition["condition_prometheus_query_language"][0]["query"]
        assert int(query.partition("[")[2].partition("s]")[0]) >= 900


@pytest.mark.parametrize(
    ("variables", "off"),
    [
        (dict(REQUIRED) | {"paused": ["collector", "prober"]}, {"no_sweep", "no_checks"}),
        (EVERYTHING, MISSING),
    ],
    ids=["both that measure", "the payout"],
)
def test_what_ops_pause_is_not_missed(variables: Mapping[str, Any], off: set[str]) -> None:
    """Nor is anything while the payout is paused: nobody says then whether the network rests."""
    found = resources(planned(variables), "google_monitoring_alert_policy")
    assert {one.key for one in found if one.values["enabled"] is False} == off


NAMED = re.compile(r'service_name(=~?)\\?"([^"\\]+)')


def test_every_service_that_is_watched_is_one_that_is_made() -> None:
    """By its name, with all parts of the prober; and each is watched."""
    outcome = planned(EVERYTHING)
    made = {one.values["name"] for one in resources(outcome, "google_cloud_run_v2_service")}
    assert {"restream-api", "restream-prober", "restream-prober-1"} <= made
    kinds = ("google_logging_metric", "google_monitoring_alert_policy")
    texts = [json.dumps(one.values) for kind in kinds for one in resources(outcome, kind)]
    named = {found for text in texts for found in NAMED.findall(text)}
    watched = {
        (how, name): {
            each for each in made if re.search(name if how == "=~" else f"^{name}$", each)
        }
        for how, name in named
    }
    assert [name for name, found in watched.items() if not found] == []
    assert watched["=~", "^restream-"] == made
    assert watched["=~", "^restream-prober(-[0-9]+)?$"] == {"restream-prober", "restream-prober-1"}


def test_only_alerts_on_a_line_have_a_limit_of_mails() -> None:
    """Google refuses it on any other; and no incident stays open to swallow the next."""
    for key, alert in _alerts().items():
        (strategy,) = alert["alert_strategy"]
        is_line = bool(alert["conditions"][0]["condition_matched_log"])
        assert bool(strategy["notification_rate_limit"]) is is_line, key
        assert strategy["auto_close"] == "1800s"


def test_an_absence_that_needs_a_first_point_would_be_found_out() -> None:
    """The condition that Google has for it is met by nobody who never called."""
    absent = {"filter": 'metric.type="logging.googleapis.com/user/restream/sweeps"'}
    condition = {"condition_absent": [absent | {"duration": "300s"}], "condition_matched_log": []}
    policy = {"combiner": "OR", "enabled": True, "conditions": [condition]}
    cloud = Cloud([one.values for one in resources(applied(), "google_logging_metric")])
    assert cloud.incidents(policy, UNTIL_S) == []
    Scene(cloud).sweep(MINUTE_S)
    assert cloud.incidents(policy, UNTIL_S) != []
