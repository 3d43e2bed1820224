"""`make bench-api`: heartbeats beside a bare route, cold starts beside hello world, pages.

Two functions are served by functions-framework as in the cloud, pinned to one core; the load comes
from the other. Rounds of both take turns, so that whatever else the machine does hits both; the
ratio is the median of the rounds' own ratios. The heartbeats repeat what the roster shows, as
nearly all do. One module: the rounds share their two servers, their core and their load.
"""

import asyncio
import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx

from agent.client.signing import signed_headers
from agent.node_key import encode_key, node_id_of, secret_of
from bench.http_load import write_requests
from bench.pages import page_figures
from bench.processes import MeasuredChild, two_cores, wait_for
from bench.programs import enter_sponsor
from bench.report import ROOT, Figure, NotMeasurableError, hand_in
from coordinator.adapters.records import Measurements
from coordinator.adapters.store.firestore import FirestoreStore
from coordinator.keys import sha256_hex
from coordinator.projections.network_document import NetworkDocument
from coordinator.reasons import Reason
from coordinator.sweeping.polls import Outcome, Poll
from coordinator.sweeping.rosters import Slot
from coordinator.sweeping.shards import WHOLE
from emulator.firestore_emulator import FirestoreEmulator
from emulator.processes.ports import LOOPBACK, Ports
from emulator.unread import quiet_when_unread

KEY = "k" * 43
SIGNED_AHEAD_S = 240
"""Of the 300 by which a clock may be off: so the same requests are good for nine minutes."""
NODES = 1_000
ROUNDS = 9
SECONDS_A_ROUND = 2.0
CONNECTIONS = 16
COLD_STARTS = 7
HERE = Path(__file__).resolve().parent
FRAMEWORK = str(Path(sys.executable).parent / "functions-framework")


@dataclass(frozen=True, slots=True)
class Function:
    """One function to be served: its file, its name, and a path that it answers with 200."""

    source: Path
    target: str
    path: str


API = Function(ROOT / "functions/api/main.py", "api", "/streams")
BARE = Function(HERE / "peers" / "bare.py", "bare", "/")
HELLO = Function(HERE / "peers" / "hello.py", "hello", "/")


def main() -> None:
    """Measures, prints, and keeps the figures."""
    folder = Path(tempfile.mkdtemp(prefix="bench-api-"))
    with ExitStack() as stack:
        ports = Ports()
        stack.callback(ports.close)
        firestore = _firestore(stack)
        env = _environment(firestore)
        enter_sponsor(env, "bench", KEY)
        figures = _cold_starts(env, ports, folder)
        figures = [*_heartbeats(env, ports, folder), *figures]
    hand_in("bench-api", [*figures, *page_figures(folder)])


def _firestore(stack: ExitStack) -> str:
    """A running emulator's host."""
    emulator = FirestoreEmulator()
    asyncio.run(emulator.start())
    stack.callback(lambda: asyncio.run(emulator.stop()))
    return emulator.host


def _environment(firestore: str) -> Mapping[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{ROOT / 'functions'}:{ROOT}",
        "GOOGLE_CLOUD_PROJECT": "bench",
        "FIRESTORE_EMULATOR_HOST": firestore,
        "INGEST_URL": "rtmp://127.0.0.1:1935/live",
        "INGEST_KEY_HASH": sha256_hex(KEY),
        "ALLOW_PRIVATE_ADDRESSES": "true",
        "REQUESTS_PER_SECOND": "100000",
    }


def argv(function: Function, port: int) -> list[str]:
    served = ("--source", str(function.source), "--target", function.target, "--asgi")
    return [FRAMEWORK, *served, "--host", LOOPBACK, "--port", str(port)]


def answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=30)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


# -- heartbeats ----------------------------------------------------------------------------


def _heartbeats(env: Mapping[str, str], ports: Ports, folder: Path) -> list[Figure]:
    client_core, server_core = two_cores()
    served: dict[str, tuple[MeasuredChild, int]] = {}
    with ExitStack() as stack:
        for function in (API, BARE):
            port = ports.any()
            log = folder / f"{function.target}.log"
            child = stack.enter_context(MeasuredChild(argv(function, port), server_core, log, env))
            wait_for(partial(answers, port, function.path), function.target)
            served[function.target] = (child, port)
        requests = folder / "requests"
        write_requests(requests, _repeated(served["api"][1], env))
        rounds = []
        for number in range(ROUNDS):
            order = ("api", "bare") if number % 2 else ("bare", "api")
            rounds.append({name: _round(*served[name], requests, client_core) for name in order})
            told = "; ".join(f"{name} {one.rate:,.0f}/s" for name, one in rounds[-1].items())
            print(f"round {number + 1} of {ROUNDS}: {told}", flush=True)

    def middle(value: Callable[[Mapping[str, Round]], float]) -> float:
        return statistics.median(value(one) for one in rounds)

    ratio = middle(lambda one: one["api"].rate / one["bare"].rate)
    bare = f"{middle(lambda one: one['bare'].rate):,.0f} a second"
    cpu = f"{middle(lambda one: one['bare'].cpu_us):.0f}"
    return [
        Figure("heartbeats to a bare route that verifies", ratio, "", ">= 0.5", "Starlette"),
        Figure("repeated heartbeats", middle(lambda one: one["api"].rate), "/s", "", bare),
        Figure("CPU of one", middle(lambda one: one["api"].cpu_us), "us", "<= 350", cpu),
    ]


@dataclass(frozen=True, slots=True)
class Round:
    """What one round came to."""

    rate: float
    cpu_us: float


def _repeated(port: int, env: Mapping[str, str]) -> list[bytes]:
    """A heartbeat of each node, of whom each stands on the roster with what it says."""
    url, requests = f"http://{LOOPBACK}:{port}", []
    with httpx.Client(base_url=url, timeout=30, trust_env=False) as client:
        asked = {"name": "bench", "token_balance": "1000", "reward_per_node_hour": "1"}
        made = client.post("/streams", json=asked, headers={"Authorization": f"Bearer {KEY}"})
        stream_id = made.raise_for_status().json()["stream_id"]
        asyncio.run(_put_on_the_roster(stream_id, env))
        while not client.get("/nodes").raise_for_status().json()["nodes"]:
            time.sleep(0.5)  # until the api reads the network again
        for number in range(NODES):
            beat = {
                "stream_id": stream_id,
                "stats_port": 8080,
                "rtmp_port": 1935,
                "agent": "0.1.0",
                "engine": "restream",
                "repeats": True,
                "state": "running",
                "address": LOOPBACK,
            }
            requests.append(_request(_key(number), port, json.dumps(beat).encode()))
    return requests


def _key(number: int) -> str:
    return encode_key(number.to_bytes(32))


async def _put_on_the_roster(stream_id: str, env: Mapping[str, str]) -> None:
    """The network's page after a sweep; of a later minute, so that none is waited for."""
    os.environ["FIRESTORE_EMULATOR_HOST"] = env["FIRESTORE_EMULATOR_HOST"]
    url, tick = f"http://{LOOPBACK}:8080/stats.json", int(time.time() // 60)
    slots = tuple(
        Slot(node_id_of(_key(number)), stream_id, url, LOOPBACK, 1935, tick - 77, 1.0)
        for number in range(NODES)
    )
    polls = dict.fromkeys(range(NODES), Poll(Outcome.UP, Reason.OK, 77, 77, viewers=3))
    store = FirestoreStore(env["GOOGLE_CLOUD_PROJECT"])
    page = NetworkDocument(WHOLE, tick + 30, 1.0, slots, polls)
    await Measurements(store).put_network_document(page)
    await store.close()


def _request(key: str, port: int, body: bytes) -> bytes:
    """As the agent sends it; signed for a while, since all rounds send the same."""
    host, path, at_s = f"{LOOPBACK}:{port}", "/nodes/heartbeat", int(time.time()) + SIGNED_AHEAD_S
    signed = signed_headers(secret_of(key), "POST", host, path, body, at_s)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\n"
        "Accept: application/json\r\nUser-Agent: restream-agent/0.1.0\r\n"
        + "".join(f"{name}: {value}\r\n" for name, value in signed.items())
        + f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _round(child: MeasuredChild, port: int, requests: Path, core: int) -> Round:
    """The load of one round against one server; anything but 200 ends the measurement."""
    spent_s = child.cpu_s()
    argv = ("taskset", "-c", str(core), sys.executable, "-m", "bench.http_load")
    more = (str(port), str(requests), str(SECONDS_A_ROUND), str(CONNECTIONS))
    done = subprocess.run(
        [*argv, *more], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    told = json.loads(done.stdout)
    if told["statuses"].keys() != {"200"}:
        raise NotMeasurableError(f"answers other than 200: {told['statuses']}")
    count = told["statuses"]["200"]
    return Round(count / SECONDS_A_ROUND, (child.cpu_s() - spent_s) / count * 1e6)


# -- cold starts ---------------------------------------------------------------------------


def _cold_starts(env: Mapping[str, str], ports: Ports, folder: Path) -> list[Figure]:
    """From starting the process to the first whole answer; modules are compiled by the first."""
    seconds: dict[str, list[float]] = {"api": [], "hello": []}
    for number in range(COLD_STARTS + 1):
        for function in (API, HELLO):
            took_s = _cold_start(function, ports.any(), env, folder)
            if number:
                seconds[function.target].append(took_s)
    told = {name: statistics.median(found) for name, found in seconds.items()}
    print(f"cold starts: {told}", flush=True)
    peer = f"hello world: {told['hello']:.2f}"
    return [Figure("cold start to the first answer", told["api"], "s", "<= 1.0", peer)]


def _cold_start(function: Function, port: int, env: Mapping[str, str], folder: Path) -> float:
    _, core = two_cores()
    begun = time.perf_counter()
    with MeasuredChild(argv(function, port), core, folder / "cold.log", env):
        is_up = partial(answers, port, function.path)
        wait_for(is_up, f"{function.target} (cold)", look_every_s=0.005)
        return time.perf_counter() - begun


if __name__ == "__main__":
    sys.exit(quiet_when_unread(main))
