"""What is deployed is what is run here: the images of Cloud Build's own command, each with exactly
the variables that Terraform gives it."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from coordinator.adapters.records import Measurements
from coordinator.adapters.store.firestore import FirestoreStore
from coordinator.strangers.relay_stats import Media, parse_stats
from emulator.firestore_emulator import FirestoreEmulator
from tests.image.containers import runner
from tests.image.tools import call
from tests.ports import free_port
from tests.signing import key_of, node_id_of
from tests.sponsors import enter
from tests.terraform.built_images import (
    CONNECT_TRIES,
    FUNCTIONS,
    SECONDS_MAX,
    build,
    builds,
    served,
)
from tests.terraform.plans import REQUIRED, ROOT, applied, environment

SPONSOR_KEY = "s" * 43
SECRETS = {
    "CONTROL_BAD_NODES": f"ed25519:{key_of(3)}",
    "CONTROL_GOOD_NODES": f"ed25519:{key_of(2)}",
    "INGEST_KEY": "i" * 43,
    "LOTTERY_KEY": "l" * 64,
}
MADE_UP = {"INGEST_URL": "rtmp://203.0.113.5:1935/live", "PUBLIC_URL": "https://api.example.org"}
"""What an apply without a cloud cannot know."""
NOBODY = "127.0.0.1:9"
"""In the place of Cloud Scheduler."""
CALLED = {"collector": 200, "payout": 503}
"""What they answer when called: the payout that it could not review the jobs."""


def _told(function: str, firestore: str) -> dict[str, str]:
    """As Terraform tells it; only where Google's services are is another place."""
    plain, secret = environment(applied(), function)
    made_up = {name: MADE_UP[name] for name in MADE_UP.keys() & plain.keys()}
    google = {"FIRESTORE_EMULATOR_HOST": firestore, "SCHEDULER_EMULATOR_HOST": NOBODY}
    return plain | made_up | {name: SECRETS[name] for name in secret} | google


@pytest.mark.parametrize("name", FUNCTIONS)
async def test_an_image_starts_with_exactly_what_terraform_tells_it(
    name: str, images: dict[str, str]
) -> None:
    """As nobody, without capabilities, on a file system that it cannot write to. The prober's run
    takes minutes: compose's test waits for one."""
    async with (
        FirestoreEmulator() as emulator,
        served(images[name], _told(name, emulator.host)) as client,
    ):
        if name == "api":
            for path in ("/health", "/streams", "/", "/openapi.json", "/docs", "/docs.js"):
                answer = await client.get(path)
                assert answer.status_code == 200, (path, answer.text)
            return
        assert (await client.get("/")).status_code == 405
        if name != "prober":
            answer = await client.post("/", headers={"X-CloudScheduler": "true"})
            assert answer.status_code == CALLED[name], answer.text
            assert isinstance(answer.json(), dict)


@pytest.mark.parametrize("part", [*FUNCTIONS, "node"])
def test_cloud_build_is_told_the_command_that_everybody_builds_with(part: str) -> None:
    """From the archive, as the builder, without a log bucket; nothing waits for another build."""
    told = builds()[part]
    (step,) = told["steps"]
    assert (step["name"], step["entrypoint"]) == ("gcr.io/cloud-builders/docker", "bash")
    script, named, image, *options = step["args"]
    assert (script, named, [image]) == ("build-image.sh", part, told["images"])
    assert image.startswith(
        f"europe-west1-docker.pkg.dev/{REQUIRED['project_id']}/restream-images/{part}:"
    )
    assert options == (["--build-arg", "RELAY_ENGINE=restream"] if part == "node" else [])
    assert told["serviceAccount"].endswith("restream-builder")
    assert told["options"] == {"logging": "CLOUD_LOGGING_ONLY"}


def test_each_image_is_asked_for_once_and_built_where_it_is_missing() -> None:
    """In one of Cloud Build's places that every project may use; what gcloud copies the source to
    is where the builder may read."""
    told = applied().builds
    assert told.count("artifacts docker images describe ") == len(builds()) == 5
    staging = "--gcs-source-staging-dir gs://my-network-4711-restream-archives/staging"
    archive = "builds submit gs://my-network-4711-restream-archives/source-"
    assert told.count(archive) == told.count(f"--region global {staging} ") == 5


def test_the_nodes_image_is_built_from_the_archive_too(source: Path) -> None:
    """It needs nothing else, and knows its version."""
    image = build("node", source)
    version = call([*runner(), "run", "--rm", "--network=none", image, "--version"]).split()[-1]
    assert f'version = "{version}"' in (ROOT / "pyproject.toml").read_text()


async def test_the_known_bad_control_node_is_believed_by_the_api_and_polls_as_a_node(
    tmp_path: Path, images: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It finds the stream by itself, under the id that its key gives it."""
    key = key_of(7)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "node.key").write_text(f"ed25519:{key}")
    async with (
        FirestoreEmulator() as emulator,
        served(
            images["api"], _told("api", emulator.host) | {"ALLOW_PRIVATE_ADDRESSES": "true"}
        ) as client,
    ):
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", emulator.host)
        measurements = Measurements(FirestoreStore(REQUIRED["project_id"]))
        await enter(FirestoreStore(REQUIRED["project_id"], "money"), radio=SPONSOR_KEY)
        wish = {"name": "Main stage", "token_balance": "5", "reward_per_node_hour": "1"}
        authorization = {"Authorization": f"Bearer {SPONSOR_KEY}"}
        made = await client.post("/streams", json=wish, headers=authorization)
        assert made.status_code == 201, made.text
        port = free_port()
        process = subprocess.Popen(  # noqa: ASYNC220 - starting is quick
            (sys.executable, "-I", str(ROOT / "terraform" / "files" / "claims.py")),
            env={
                "COORDINATOR_URL": str(client.base_url),
                "DATA_DIR": str(tmp_path / "data"),
                "BIND_ADDRESS": "127.0.0.1",
                "STATS_PORT": str(port),
            },
        )
        try:
            transport = httpx.AsyncHTTPTransport(retries=CONNECT_TRIES)
            async with httpx.AsyncClient(transport=transport, timeout=SECONDS_MAX) as http:
                async with asyncio.timeout(SECONDS_MAX):
                    while (node := await measurements.node(node_id_of(key))) is None:
                        assert process.poll() is None
                body = (await http.get(f"http://127.0.0.1:{port}/stats.json")).json()
        finally:
            process.kill()
            process.wait()
    assert node.stats_url == f"http://127.0.0.1:{port}/stats.json"
    stats = parse_stats(json.dumps(body).encode(), made.json()["stream_id"])
    assert stats.media is Media.WAITING  # nobody serves that stream
    assert body["node_id"] == node_id_of(key)
    assert body["stream"]["id"] == made.json()["stream_id"]
