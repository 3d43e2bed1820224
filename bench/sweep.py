"""`make bench-sweep`: what a poll costs, beside Prometheus and blackbox_exporter in the same run.

Every target has a loopback address of its own, served from one process on one core; whoever is
measured runs alone on the other core, for a round at a time, the three in turn. The collector
polls with its own code: a new connection each time, guarded, parsed, judged, and the sweep's
document written (to a store in memory). Prometheus scrapes the same facts over connections that
it keeps open, which is its way.

Both sides' figures are means of all rounds. Prometheus looks for garbage once in some fifteen
seconds, which takes as long as a thousand scrapes: a median would leave that out, or make too much
of it.
"""

import http.client
import json
import os
import sys
import time
import urllib.request
from contextlib import ExitStack, suppress
from pathlib import Path
from statistics import mean, median

from bench.peers.debian import peer, version_of
from bench.processes import MeasuredChild, two_cores, wait_for
from bench.report import BUILD, ROOT, Figure, NotMeasurableError, hand_in
from bench.targets import DELAY_S, STREAM_ID, host_of
from coordinator.strangers.relay_stats import StatsInvalid, parse_stats
from emulator.unread import quiet_when_unread
from tests.hostile_bodies import HOSTILE as HOSTILE_BODIES

ROUNDS = int(os.environ.get("ROUNDS", "5"))
TARGETS = int(os.environ.get("TARGETS", "1000"))
SECONDS_A_ROUND = 4.0
SCRAPE_SECONDS_A_ROUND = 8.0
SETTLE_SECONDS_MAX = 30
"""Prometheus makes up for what fell due while it was stopped, and opens what timed out anew."""
BIG_SWEEP_NODES = 10_000
PROBES_A_ROUND = 1_500
HOSTILE_NODES = 300
FAST, SLOW, PROMETHEUS, BLACKBOX, HOSTILE = 29_110, 29_111, 29_112, 29_113, 29_114
_PYTHONPATH = {"PYTHONPATH": f"{ROOT / 'functions'}{os.pathsep}{ROOT}"}


def main() -> None:
    """Measures, prints, and keeps the figures."""
    client_core, server_core = two_cores()
    prometheus, blackbox = peer("prometheus"), peer("prometheus-blackbox-exporter")
    work = BUILD / "bench-sweep"
    work.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        targets = stack.enter_context(
            MeasuredChild(
                [sys.executable, "-m", "bench.targets", str(FAST), str(SLOW), str(HOSTILE)],
                server_core,
                work / "targets.log",
                _PYTHONPATH,
            )
        )
        targets.says()
        ours = stack.enter_context(_sweeper(FAST, TARGETS, client_core, work))
        theirs = stack.enter_context(_prometheus(prometheus, client_core, work))
        probes = stack.enter_context(_blackbox(blackbox, client_core, work))
        figures = _rounds(ours, theirs, probes, targets)
        big = stack.enter_context(_sweeper(SLOW, BIG_SWEEP_NODES, client_core, work))
        attacked = stack.enter_context(
            _sweeper(SLOW, BIG_SWEEP_NODES, client_core, work, HOSTILE_NODES, HOSTILE)
        )
        figures += _big_sweeps(big, attacked)
    peers = f"Prometheus {version_of(prometheus)}, blackbox_exporter {version_of(blackbox)}"
    print(f"{TARGETS} targets, {ROUNDS} rounds each in turn, {peers}")
    hand_in("bench-sweep", figures)


def _sweeper(port: int, nodes: int, core: int, work: Path, *hostile: int) -> MeasuredChild:
    numbers = [str(each) for each in (port, nodes, *hostile)]
    argv = [sys.executable, "-m", "bench.sweep_worker", *numbers]
    return MeasuredChild(argv, core, work / f"sweeper-{'-'.join(numbers)}.log", _PYTHONPATH)


def _prometheus(program: str, core: int, work: Path) -> MeasuredChild:
    names = ", ".join(f'"{host_of(at)}:{FAST}"' for at in range(TARGETS))
    config = work / "prometheus.yml"
    config.write_text(
        "global: {scrape_interval: 1s, scrape_timeout: 1s}\n"
        f"scrape_configs: [{{job_name: nodes, static_configs: [{{targets: [{names}]}}]}}]\n"
    )
    argv = [
        program,
        f"--config.file={config}",
        f"--storage.tsdb.path={work / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{PROMETHEUS}",
        "--log.level=error",
    ]
    return MeasuredChild(argv, core, work / "prometheus.log", {"GOMAXPROCS": "1"})


def _blackbox(program: str, core: int, work: Path) -> MeasuredChild:
    config = work / "blackbox.yml"
    config.write_text("modules: {http_2xx: {prober: http, timeout: 5s}}\n")
    argv = [
        program,
        f"--config.file={config}",
        f"--web.listen-address=127.0.0.1:{BLACKBOX}",
        "--log.level=error",
    ]
    return MeasuredChild(argv, core, work / "blackbox.log", {"GOMAXPROCS": "1"})


def _rounds(
    ours: MeasuredChild, theirs: MeasuredChild, probes: MeasuredChild, targets: MeasuredChild
) -> list[Figure]:
    """CPU milliseconds a poll, scrape and probe: the mean of the rounds, and the ratios."""
    ours.says()
    wait_for(lambda: _answers(PROMETHEUS, "/-/ready"), "Prometheus")
    wait_for(lambda: _answers(BLACKBOX, "/-/healthy"), "blackbox_exporter")
    wait_for(lambda: int(targets.ask("")) > 2 * TARGETS, "two scrapes of every target")
    theirs.pause()
    ours.ask("warm up")
    polls, scrapes, probed = [], [], []
    for number in range(ROUNDS):
        polls.append(_poll_round(ours))
        scrapes.append(_scrape_round(theirs, targets))
        probed.append(_probe_round(probes))
        print(
            f"round {number + 1}: poll {polls[-1]:.3f}, scrape {scrapes[-1]:.3f}, "
            f"probe {probed[-1]:.3f} ms CPU",
            flush=True,
        )
    poll, scrape, probe = mean(polls), mean(scrapes), mean(probed)
    return [
        Figure("a poll of the collector, new connection", poll, "ms CPU"),
        Figure("a scrape of Prometheus, connection kept", scrape, "ms CPU"),
        Figure("a probe of blackbox_exporter", probe, "ms CPU"),
        Figure("poll to scrape", poll / scrape, "x", "<= 0.8", "Prometheus"),
        Figure("poll to probe", poll / probe, "x", "<= 0.25", "blackbox_exporter"),
    ]


def _poll_round(ours: MeasuredChild) -> float:
    """CPU ms a poll, over as many sweeps as a round has time for."""
    cpu_s, polled = 0.0, 0
    end = time.monotonic() + SECONDS_A_ROUND / 2
    while time.monotonic() < end:
        told = json.loads(ours.ask("sweep"))
        if told["outcomes"] != {"up": told["polled"]}:
            raise NotMeasurableError(f"The targets did not answer as they should: {told}")
        cpu_s += told["cpu_s"]
        polled += told["polled"]
    return cpu_s / polled * 1000


def _scrape_round(theirs: MeasuredChild, targets: MeasuredChild) -> float:
    """CPU ms a scrape, by what the targets answered meanwhile."""
    theirs.resume()
    _settle(targets)
    cpu_s, sent = theirs.cpu_s(), int(targets.ask(""))
    time.sleep(SCRAPE_SECONDS_A_ROUND)
    cpu_s, sent = theirs.cpu_s() - cpu_s, int(targets.ask("")) - sent
    theirs.pause()
    if sent < TARGETS * SCRAPE_SECONDS_A_ROUND * 0.8:
        raise NotMeasurableError(f"Prometheus made only {sent} scrapes in its round")
    return cpu_s / sent * 1000


def _settle(targets: MeasuredChild) -> None:
    """Until each target was scraped once a second, three seconds running."""
    even, sent = 0, int(targets.ask(""))
    for _ in range(SETTLE_SECONDS_MAX):
        time.sleep(1.0)
        before, sent = sent, int(targets.ask(""))
        even = even + 1 if abs(sent - before - TARGETS) <= TARGETS * 0.1 else 0
        if even == 3:
            return
    raise NotMeasurableError("Prometheus' scrapes did not settle: is the machine busy?")


def _probe_round(probes: MeasuredChild) -> float:
    """CPU ms a probe; asked over one connection, as Prometheus would."""
    connection = http.client.HTTPConnection("127.0.0.1", BLACKBOX, timeout=10)
    cpu_s = probes.cpu_s()
    for at in range(PROBES_A_ROUND):
        target = f"http://{host_of(at % TARGETS)}:{FAST}/stats.json"
        connection.request("GET", f"/probe?module=http_2xx&target={target}")
        if b"probe_success 1" not in connection.getresponse().read():
            raise NotMeasurableError(f"blackbox_exporter could not probe {target}")
    connection.close()
    return (probes.cpu_s() - cpu_s) / PROBES_A_ROUND * 1000


def _big_sweeps(big: MeasuredChild, attacked: MeasuredChild) -> list[Figure]:
    """Ten thousand far-away nodes, one in twenty dead, three minutes of them; and again with some
    hostile among them, who are polled no more after that."""
    big.says()
    attacked.says()
    told, others = [], []
    for _ in range(3):  # in turn: the machine is never quite quiet
        told.append(json.loads(big.ask("sweep")))
        others.append(json.loads(attacked.ask("sweep")))
    up, down = (told[0]["outcomes"].get(outcome, 0) for outcome in ("up", "down"))
    if (up, down) != (9_500, 500):
        raise NotMeasurableError(f"The targets did not answer as they should: {told[0]}")
    if others[2]["outcomes"].get("invalid") != HOSTILE_NODES:
        raise NotMeasurableError(f"The hostile did not answer as they should: {others[2]}")
    longer = median(o["wall_s"] / t["wall_s"] for o, t in zip(others, told, strict=True))
    what = f"{BIG_SWEEP_NODES:,} nodes, {DELAY_S * 1000:.0f} ms away, 5 % dead"
    return [
        Figure(f"{what}: longest of 3 sweeps", max(t["wall_s"] for t in told), "s", "<= 15"),
        Figure(f"{what}: CPU", max(t["cpu_s"] for t in told), "s"),
        Figure(f"{what}: memory", max(t["rss_mb"] for t in told), "MB", "<= 150", "905 MB"),
        Figure(f"{what}: with {HOSTILE_NODES} hostile, by time", longer, "x", "<= 1.05"),
        Figure("60 kB of no statistics, the worst of 18", _slowest_ms(), "ms CPU", "<= 1"),
    ]


def _slowest_ms() -> float:
    """CPU ms to refuse a hostile body of the kind that takes longest; the best of some tries."""
    return max(min(_refusal_ms(body) for _ in range(20)) for body in HOSTILE_BODIES.values())


def _refusal_ms(body: bytes) -> float:
    begun_s = time.process_time()
    with suppress(StatsInvalid):
        parse_stats(body, STREAM_ID)
    return (time.process_time() - begun_s) * 1000


def _answers(port: int, path: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=1) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(quiet_when_unread(main))
