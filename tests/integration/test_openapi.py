"""The api keeps its OpenAPI document: Schemathesis asks it everything that the document allows, and
much that it does not, over real HTTP, on real Firestore."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import httpx

from emulator.firestore_emulator import FirestoreEmulator
from tests.integration.live_api import DAY, KEY, ROOT, seed, served
from tests.lived import NODES, PICTURE, STREAM_ID

SECONDS_MAX = 120
"""It takes about 15 on an idle machine."""
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
values = ["0of1-1"]
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
    await seed(firestore)
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
