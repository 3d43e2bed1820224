"""The api keeps its OpenAPI document: Schemathesis asks it everything that the document allows, and
much that it does not, over real HTTP, on real Firestore."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path

import httpx

from coordinator.adapters.firestore import FirestoreStore
from coordinator.adapters.records import Measurements
from coordinator.days import LotteryDay
from coordinator.keys import sha256_hex
from emulator.firestore import FirestoreEmulator
from emulator.ports import LOOPBACK, Ports
from emulator.processes import Child, Command, Supervisor
from tests.lived import NODES, PICTURE, STREAM_ID, Lived

ROOT = Path(__file__).resolve().parents[2]
PROJECT = "openapi"
DAY = LotteryDay(date(2026, 11, 22), "0" * 64, 60, 4, 1_795_000_000.0)
KEY = "k" * 43
"""At once a sponsor's, a node's and the ingest's: each kind of key opens its own routes."""
SECONDS_MAX = 120
"""It takes about 15 on an idle machine."""
START_SECONDS_MAX = 60.0
SEED = os.environ.get("SCHEMATHESIS_SEED", "20261122")
"""Fixed, so that a change of the api fails here and not chance; another one explores more."""

CONFIG = """
seed = {seed}
continue-on-failure = true
headers = {{ Authorization = "Bearer {key}" }}
request-timeout = 10

[generation]
max-examples = {examples}
database = "none"

[phases.stateful]
enabled = true

[dictionaries.streams]
values = ["{stream}", "{own}"]
[dictionaries.nodes]
values = {nodes}
[dictionaries.pictures]
values = ["{picture}"]
[dictionaries.rosters]
values = ["0-1"]
[dictionaries.days]
values = ["{day}"]
[dictionaries.urls]
values = ["http://127.0.0.1:20009/hook"]

[parameters]
"path.stream_id" = {{ dictionary = "streams", probability = 0.7 }}
"path.node_id" = {{ dictionary = "nodes", probability = 0.7 }}
"path.thumbnail_id" = {{ dictionary = "pictures", probability = 0.7 }}
"path.roster_id" = {{ dictionary = "rosters", probability = 0.7 }}
"path.day" = {{ dictionary = "days", probability = 0.7 }}
"body.stream_id" = {{ dictionary = "streams", probability = 0.7 }}
"body.webhook_url" = {{ dictionary = "urls", probability = 0.7 }}

# These may refuse what a valid request means (an address, an instant): the hooks look at why.
[[operations]]
include-operation-id = ["register_a_stream", "set_a_webhook", "announce", "call_back"]
[operations.checks.positive_data_acceptance]
expected-statuses = ["2xx", "401", "403", "404", "409", "422", "429"]
"""


@asynccontextmanager
async def served(firestore: FirestoreEmulator, folder: Path) -> AsyncIterator[str]:
    """The api as it is deployed, on a port of its own; prints its log if it does not start."""
    ports = Ports()
    port = ports.any()
    env = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT / "functions"),
        "GOOGLE_CLOUD_PROJECT": PROJECT,
        "FIRESTORE_EMULATOR_HOST": firestore.host,
        "INGEST_URL": "rtmp://203.0.113.5:1935/live",
        "SPONSOR_KEY_HASHES": f"ada:{sha256_hex(KEY)}",
        "INGEST_KEY_HASH": sha256_hex(KEY),
        "REQUESTS_PER_SECOND": "100000",
        "ALLOW_PRIVATE_ADDRESSES": "true",
    }
    framework = str(Path(sys.executable).parent / "functions-framework")
    source = ("--source", str(ROOT / "functions/api/main.py"), "--target", "api", "--asgi")
    argv = (framework, *source, "--host", LOOPBACK, "--port", str(port))
    try:
        async with Supervisor(folder / "logs") as supervisor:
            child = await supervisor.start(Command("api", argv, env))
            url = f"http://{LOOPBACK}:{port}"
            await _answers(url, child)
            yield url
            said = "\n".join(child.output.tail())
            assert "request_failed" not in said, said
    finally:
        ports.close()


async def _answers(url: str, child: Child) -> None:
    async with asyncio.timeout(START_SECONDS_MAX), httpx.AsyncClient(trust_env=False) as client:
        while True:
            assert child.death is None, "\n".join(child.output.tail())
            try:
                if (await client.get(f"{url}/healthz", timeout=30)).is_success:
                    return
            except httpx.TransportError:
                await asyncio.sleep(0.05)


async def _seeded(firestore: FirestoreEmulator) -> None:
    """A network that has lived for two hours, so that there is something of everything."""
    stores = [FirestoreStore(PROJECT, name) for name in ("(default)", "money")]
    try:
        for name in ("(default)", "money"):
            await firestore.clear(PROJECT, name)
        await Lived(2, stores[0], stores[1]).live()
        assert await Measurements(stores[0]).seal(DAY)
    finally:
        for store in stores:
            await store.close()


async def _registered(url: str) -> str:
    """A stream of our own, which may be topped up and closed."""
    asked = {"name": "Stage", "token_balance": "1000", "reward_per_node_hour": "1.5"}
    async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
        headers = {"Authorization": f"Bearer {KEY}"}
        answer = await client.post("/streams", json=asked, headers=headers)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["stream_id"])


async def test_the_api_keeps_what_its_openapi_document_says(
    firestore: FirestoreEmulator, tmp_path: Path
) -> None:
    """Every operation, every check: no status, header or body beyond the document, no 500, nothing
    valid refused and nothing invalid accepted, no key ignored."""
    await _seeded(firestore)
    async with served(firestore, tmp_path) as url:
        config = CONFIG.format(
            seed=SEED,
            examples=int(os.environ.get("SCHEMATHESIS_EXAMPLES", "12")),
            key=KEY,
            stream=STREAM_ID,
            own=await _registered(url),
            nodes=list(NODES),
            picture=PICTURE,
            day=DAY.day,
        )
        (tmp_path / "schemathesis.toml").write_text(config)
        program = str(Path(sys.executable).parent / "st")
        done = await asyncio.to_thread(
            subprocess.run,
            [
                program,
                "--config-file",
                "schemathesis.toml",
                "run",
                f"{url}/openapi.json",
                "--checks=all",
                "--no-color",
            ],
            cwd=tmp_path,
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "SCHEMATHESIS_HOOKS": "tests.integration.schemathesis_hooks",
            },
            capture_output=True,
            text=True,
            timeout=SECONDS_MAX,
            check=False,
        )
        print(done.stdout[-200_000:], done.stderr[-5_000:])
        async with httpx.AsyncClient(trust_env=False) as client:
            document = (await client.get(f"{url}/openapi.json")).json()
    assert done.returncode == 0
    operations = sum(len(methods) for methods in document["paths"].values())
    assert f"Tested: {operations}" in done.stdout
