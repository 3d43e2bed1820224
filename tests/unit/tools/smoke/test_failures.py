"""Every failure that smoke knows, each by the answer that shows it; docs/ops.md lists them."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from api.wire.checks import CheckOut
from api.wire.common import example_of
from api.wire.example_names import NODE_ID, STREAM_ID
from coordinator.reasons import Reason
from tests.applied_cloud import KEY, NODE, RECORDED, START_S, TOLD, Change, StoodIn, refusal
from tests.project import ROOT
from tools.preflight.commands import Fault, Heard
from tools.smoke.results import Light, WrongError, status

OPS = (ROOT / "docs" / "ops.md").read_text()
RUN, JOB = "gcloud run services list", "gcloud scheduler jobs describe restream-collector-0"
STREAM, NODES = f"GET /streams/{STREAM_ID}", f"GET /nodes?stream_id={STREAM_ID}"
CHECKS = f"GET /nodes/{NODE_ID}/checks?page_size=20"
INGEST = "gcloud compute instance-groups managed list-instances restream-ingest"
DENIED = (
    "ERROR: (gcloud.auth.print-access-token) PERMISSION_DENIED: Failed to impersonate "
    "[restream-prober@my-network-4711.iam.gserviceaccount.com]. Make sure the account that's "
    "trying to impersonate it has access to the service account itself and the "
    '"roles/iam.serviceAccountTokenCreator" role.'
)


class Case(NamedTuple):
    """What is answered instead, where that is told, and words that must be told."""

    topic: str
    says: str
    stood_in: StoodIn
    grade: Light = Light.RED
    key: str = KEY


def _failed(error: str) -> Heard:
    return Heard(1, "", error)


def _nodes(**fields: Any) -> Mapping[str, Any]:
    return {"nodes": [NODE | fields], "next_page_token": None}


def _checks(verdict: str, reason: Reason, stream_id: str = STREAM_ID) -> Mapping[str, Any]:
    said = {"verdict": verdict, "reason": reason.value, "says": reason.says, "fix": reason.fix}
    check = example_of(CheckOut) | said | {"stream_id": stream_id}
    return {"node_id": NODE_ID, "checks": [check], "next_page_token": None}


def _without(name: str) -> Callable[[Any], object]:
    return lambda services: [each for each in services if each["metadata"]["name"] != name]


def _jobs(*names: str) -> Callable[[Any], object]:
    def changed(services: Any) -> object:
        env = services[0]["spec"]["template"]["spec"]["containers"][0]["env"]
        whole = [f"projects/my-network-4711/locations/europe-west1/jobs/{name}" for name in names]
        told = [each | {"value": ",".join(whole)} if each["name"] == "SCHEDULER_JOBS" else each
                for each in env]  # fmt: skip
        spec = {"containers": [{"env": told}]}
        return [services[0] | {"spec": {"template": {"spec": spec}}}, *services[1:]]

    return changed


def _machine(status: str, *health: str) -> Change:
    checks = [{"detailedHealthState": each} for each in health]
    return [{"instance": "zones/b/instances/restream-ingest-q3t9", "instanceStatus": status,
             "instanceHealth": checks}]  # fmt: skip


def _attempt(code: int, at: str = "2026-11-22T14:00:01Z") -> Change:
    return {"lastAttemptTime": at, "status": {"code": code}}


CASES: dict[str, Case] = {
    "api-silent": Case("api", "gives no answer (ConnectError: no route)",
                       StoodIn(api={"GET /health": httpx.ConnectError("no route")})),
    "refused": Case("stream", "503: The coordinator is away.",
                    StoodIn(api={"POST /streams": refusal(503, "unavailable",
                                                          "The coordinator is away.")})),
    "asked-too-often": Case("callers", "wait 540 s",
                            StoodIn(api={"POST /nodes/dial-back": refusal(
                                429, "too-many-requests", **{"Retry-After": "540"})}),
                            Light.UNTOLD),
    "address-forged": Case("callers", "TRUSTED_PROXIES is larger",
                           StoodIn(api={"POST /nodes/dial-back": TOLD["POST /nodes/dial-back"]
                                        | {"address": "192.0.2.9"}})),
    "address-of-a-proxy": Case("callers", "its own proxy (169.254.1.1)",
                               StoodIn(api={"POST /nodes/dial-back": TOLD["POST /nodes/dial-back"]
                                            | {"address": "169.254.1.1"}})),
    "service-missing": Case("doors", "my-network-4711 has no restream-payout in europe-west1",
                            StoodIn({RUN: _without("restream-payout")})),
    "door-open": Case("doors", "restream-prober answers 200 to a stranger",
                      StoodIn(closed={"prober": 200})),
    "door-untried": Case("doors", "restream-collector could not be reached",
                         StoodIn(closed={"collector": 0}), Light.UNTOLD),
    "no-impersonation": Case("databases", "--role=roles/iam.serviceAccountTokenCreator",
                             StoodIn({"gcloud auth print": _failed(DENIED)}), Light.UNTOLD),
    "money-open": Case("databases", "may read the database money", StoodIn(read={"money": 200})),
    "measurements-closed": Case("databases", "may not read the database (default)",
                                StoodIn(read={"(default)": 403})),
    "no-database": Case("databases", "answers 404 for the database money",
                        StoodIn(read={"money": 404})),
    "database-untold": Case("databases", "answers 0 for (default)",
                            StoodIn(read={"(default)": 0}), Light.UNTOLD),
    "no-machines": Case("machines", "has no machines of restream",
                        StoodIn({"gcloud compute instance-groups managed list ": []})),
    "machine-ill": Case("machines", "restream-ingest-q3t9 is RUNNING UNHEALTHY",
                        StoodIn({INGEST: _machine("RUNNING", "UNHEALTHY")})),
    "no-sponsor-key": Case("stream", "set SPONSOR_KEY", StoodIn(), Light.UNTOLD, key=""),
    "sponsor-key": Case("stream", "knows no sponsor by this key",
                        StoodIn(api={"POST /streams": refusal(403, "key-unknown")}),
                        Light.UNTOLD),
    "not-described": Case("published", "told the api nothing",
                          StoodIn(api={STREAM: TOLD[STREAM] | {"media": None}})),
    "jobs-missing": Case("jobs", "knows no job of collector",
                         StoodIn({RUN: _jobs("restream-payout", "restream-prober-even-0")})),
    "job-not-called": Case("jobs", "restream-payout could not be called: ERROR: NOT_FOUND",
                           StoodIn({"gcloud scheduler jobs run restream-payout":
                                    _failed("ERROR: NOT_FOUND: Job not found.\n")})),
    "job-failed": Case("jobs", "grant restream-scheduler roles/run.invoker",
                       StoodIn({JOB: _attempt(7)})),
    "job-silent": Case("jobs", "did not log `jobs_reviewed`",
                       StoodIn({"gcloud logging read": []})),
    "no-node": Case("relayed", f"STREAM_ID={STREAM_ID}",
                    StoodIn(api={NODES: {"nodes": [], "next_page_token": None}})),
    "not-relayed": Case("relayed", Reason.UPSTREAM_DOWN.fix,
                        StoodIn(api={NODES: _nodes(status="unhealthy",
                                                   reason=Reason.UPSTREAM_DOWN.value,
                                                   says=Reason.UPSTREAM_DOWN.says,
                                                   fix=Reason.UPSTREAM_DOWN.fix)})),
    "check-failed": Case("checked", Reason.WRONG_CONTENT.says,
                         StoodIn(api={CHECKS: _checks("fail", Reason.WRONG_CONTENT)})),
    "not-checked": Case("checked", "No check of the stream is on record",
                        StoodIn(api={CHECKS: _checks("pass", Reason.PASSED, "another")})),
    "not-closed": Case("closed", "It ends by itself",
                       StoodIn(api={f"POST /streams/{STREAM_ID}/close": httpx.ReadTimeout("")})),
    "gcloud-missing": Case("doors", "gcloud is not on PATH",
                           StoodIn({"gcloud": Heard(fault=Fault.MISSING)}), Light.UNTOLD),
    "gcloud-signed-out": Case("machines", "`gcloud auth login`",
                              StoodIn({"gcloud compute": _failed(
                                  "ERROR: There was a problem refreshing your current auth "
                                  "tokens: Reauthentication failed.")}), Light.UNTOLD),
    "api-off": Case("machines", "gcloud services enable compute.googleapis.com",
                    StoodIn({"gcloud compute": _failed(
                        "ERROR: Compute Engine API has not been used in project 4711 before: "
                        "compute.googleapis.com/overview")}), Light.UNTOLD),
    "may-not-ask": Case("jobs", "Your account may not ask",
                        StoodIn({"gcloud logging": _failed("ERROR: PERMISSION_DENIED: no")}),
                        Light.UNTOLD),
    "no-answer": Case("doors", "gave no answer within 60 s",
                      StoodIn({RUN: Heard(fault=Fault.SLOW)}), Light.UNTOLD),
    "too-large": Case("doors", "answered more than 4 MiB",
                      StoodIn({RUN: Heard(fault=Fault.LARGE)}), Light.UNTOLD),
    "failed": Case("machines", "failed, so run it and see why: ERROR: odd",
                   StoodIn({"gcloud compute": _failed("ERROR: odd")}), Light.UNTOLD),
    "nonsense": Case("machines", "answered what is not understood here (no JSON)",
                     StoodIn({"gcloud compute": "Hello."}), Light.UNTOLD),
}  # fmt: skip
"""By the code. Each is the first thing that is wrong."""


@pytest.mark.parametrize("code", CASES)
def test_a_failure_is_told_with_what_to_do(code: str, tmp_path: Path) -> None:
    """Everything before it is well, what is wrong ends the test, and the stream is closed."""
    case = CASES[code]
    found, _ = case.stood_in.smoked(tmp_path, case.key)
    first = next(each for each in found if each.grade not in (Light.GREEN, Light.LEFT_OUT))
    assert (first.name, first.code, first.grade) == (case.topic, code, case.grade)
    assert case.says in first.sentence
    assert len(first.sentence) < 500
    assert status(found) == (1 if case.grade is Light.RED else 2)
    names = [each.name for each in found]
    assert names[names.index(case.topic) + 1 :] in ([], ["closed"]) or case.grade is Light.UNTOLD
    sent = [f"{each.method} {each.url.path}" for each in case.stood_in.requests]
    is_registered = "stream" in names and code not in ("no-sponsor-key", "sponsor-key", "refused")
    assert (f"POST /streams/{STREAM_ID}/close" in sent) is is_registered


def test_a_network_in_which_all_is_well_is_green(tmp_path: Path) -> None:
    """Everything that was recorded is asked, and nothing else."""
    stood_in = StoodIn()
    found, said = stood_in.smoked(tmp_path)
    assert [each.name for each in found if each.grade is not Light.GREEN] == []
    assert status(found) == 0
    assert len(found) == 13
    assert set(stood_in.asked) == {each for each in RECORDED if "projects describe" not in each}
    told = "\n".join([each.sentence for each in found] + said)
    assert KEY not in told
    assert TOLD["POST /streams"]["publish_url"].partition("=")[2] not in told
    assert "WAIT=paid" in found[-1].sentence


def test_an_ingest_that_nobody_hears_ends_it(tmp_path: Path) -> None:
    """The stream is closed all the same."""

    def closed(url: str) -> str:
        raise WrongError("ingest-closed", url)

    found, _ = StoodIn().smoked(tmp_path, answering=closed)
    assert [(each.name, each.grade) for each in found[-2:]] == [
        ("ingest", Light.RED),
        ("closed", Light.GREEN),
    ]


def test_a_publisher_that_ends_is_the_first_thing_that_is_wrong(tmp_path: Path) -> None:
    """Whatever would have been waited for."""
    stood_in = StoodIn(sender_fails=WrongError("not-published", "It ended."))
    found, _ = stood_in.smoked(tmp_path)
    assert [(each.name, each.code) for each in found[-2:]] == [
        ("published", "not-published"),
        ("closed", ""),
    ]


def test_a_bad_node_that_passes_is_told_before_it_is_believed(tmp_path: Path) -> None:
    """It serves nothing, so the proof is broken."""
    bad = _nodes(reason="control_bad")
    good = NODE | {"node_id": "ngood"}
    both = {"nodes": [*bad["nodes"], good], "next_page_token": None}
    checks = {CHECKS: _checks("pass", Reason.PASSED),
              "GET /nodes/ngood/checks?page_size=20": {"checks": []}}  # fmt: skip
    found, _ = StoodIn(api={NODES: both, **checks}).smoked(tmp_path)
    assert (found[-2].name, found[-2].code) == ("checked", "bad-passed")


def test_an_older_failure_of_a_job_is_not_held_against_its_call(tmp_path: Path) -> None:
    """Nor is a call that is under way."""
    old = StoodIn({JOB: _attempt(7, "2026-11-22T13:50:00Z")}).smoked(tmp_path)[0]
    assert status(old) == 0
    assert status(StoodIn({JOB: _attempt(-1)}).smoked(tmp_path)[0]) == 0


def test_a_machine_that_is_still_starting_is_waited_for(tmp_path: Path) -> None:
    """And what it is in the middle of is told once."""
    stood_in = StoodIn()
    stood_in.gcloud = {
        INGEST: lambda recorded: (
            recorded if stood_in.now_s > 1_795_356_060 else _machine("STAGING", "TIMEOUT")
        ),
        "gcloud logging read": [{"timestamp": "2026-11-22T14:01:03Z"}],
    }
    found, said = stood_in.smoked(tmp_path)
    assert next(each for each in found if each.name == "machines").grade is Light.GREEN
    assert said.count("restream-ingest-q3t9 is STAGING TIMEOUT") == 1


def test_all_of_it_ends_within_ten_minutes(tmp_path: Path) -> None:
    """However long each thing has taken by then."""
    stood_in = StoodIn()

    def from_s(seconds: float, before: object, then: object) -> Callable[[Any], object]:
        return lambda _: then if stood_in.now_s >= START_S + seconds else before

    media, described = TOLD[STREAM] | {"media": None}, TOLD[STREAM]
    stood_in.gcloud = {
        INGEST: from_s(230, _machine("STAGING"), _machine("RUNNING")),
        "gcloud logging read": from_s(480, [], [{"timestamp": "2026-11-22T14:08:00Z"}]),
    }
    stood_in.api = {STREAM: from_s(310, media, described), NODES: {"nodes": []}}
    found, _ = stood_in.smoked(tmp_path)
    assert (found[-2].name, found[-2].code) == ("relayed", "no-node")
    assert 590 < stood_in.now_s - START_S <= 603


def test_a_registration_whose_answer_was_lost_is_closed_too(tmp_path: Path) -> None:
    """It is repeated by its own key until the api answers: the same stream."""
    stood_in = StoodIn()
    seen: list[httpx.Request] = []

    def lost_twice(recorded: Any) -> Any:
        seen.append(stood_in.requests[-1])
        return httpx.ReadTimeout("lost") if len(seen) < 3 else recorded

    stood_in.api = {"POST /streams": lost_twice}
    found, _ = stood_in.smoked(tmp_path)
    assert [each.name for each in found[-2:]] == ["stream", "closed"]
    assert found[-1].grade is Light.GREEN
    assert len({each.headers["idempotency-key"] for each in seen}) == 1
    assert len({each.content for each in seen}) == 1


ELSEWHERE = {"ingest-closed", "not-published", "no-ffmpeg", "bad-passed", "stream-gone",
             "statement-late", "tokens-lost"}  # fmt: skip
"""Each has a test of its own, here, in test_settling.py or in tests/integration/test_smoke.py."""


def test_the_table_of_the_documents_is_all_that_can_be_told() -> None:
    """Each code has its row there."""
    section = OPS.split("\n### What smoke tells\n")[1].split("\n##")[0]
    cells = re.findall(r"^\| (`[^|]+) \|", section, re.MULTILINE)
    rows = {code for cell in cells for code in re.findall(r"`([\w.-]+)`", cell)}
    assert rows == CASES.keys() | ELSEWHERE


def test_no_code_is_without_a_case() -> None:
    """Those that stand in the source as they are told."""
    source = "".join(path.read_text() for path in (ROOT / "tools" / "smoke").glob("*.py"))
    written = set(re.findall(r'(?:Wrong|NotTold)Error\(\s*"([a-z]+(?:-[a-z]+)*)"', source))
    assert len(written) > 20
    assert written <= CASES.keys() | ELSEWHERE
