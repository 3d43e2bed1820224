"""Every function is served from its archive as terraform lays it out, with its own lock."""

import asyncio
import contextlib
import hashlib
import json
import re
import subprocess
import sys
import venv
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from coordinator.adapters.records import Measurements
from coordinator.adapters.store.firestore import FirestoreStore
from coordinator.strangers.relay_stats import Media, parse_stats
from emulator.firestore_emulator import FirestoreEmulator
from tests.ports import free_port
from tests.signing import key_of, node_id_of
from tests.sponsors import enter
from tests.terraform.plans import ROOT, Resource, data, planned

FUNCTIONS = ("api", "collector", "payout", "prober")
SECONDS_MAX = 30.0
INSTALL_SECONDS_MAX = 600.0
SPONSOR_KEY = "s" * 43
CONNECT_TRIES = 8  # 0, 0.5, 1, 2 … s apart
SETTINGS = {
    "GOOGLE_CLOUD_PROJECT": "demo-archives",
    "SWEEP_SECONDS": "1",
    "CHECK_SECONDS": "1",
    "INGEST_URL": "rtmp://127.0.0.1:1935/live",
    "INGEST_KEY_HASH": hashlib.sha256(b"ingest").hexdigest(),
    "LOTTERY_KEY": "l" * 64,
    "ALLOW_PRIVATE_ADDRESSES": "true",
}


def _archive(name: str) -> Resource:
    return next(one for one in data(planned(), "archive_file") if one.key == name)


def _files(name: str) -> dict[str, str]:
    """What is in an archive: text by path."""
    return {one["filename"]: one["content"] or "" for one in _archive(name).values["source"]}


def _main(name: str) -> str:
    """Where its entry stands: below its Dockerfile as in the repository, else at the root."""
    return "functions/prober/main.py" if name == "prober" else "main.py"


def _pins(lock: str) -> set[str]:
    return set(re.findall(r"^([a-z0-9._-]+==[^ ;]+)", lock, re.MULTILINE))


@pytest.fixture(scope="session")
def environments(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """For each function, an environment with nothing but its lock; equal locks share one."""
    made: dict[frozenset[str], Path] = {}
    for name in FUNCTIONS:
        lock = ROOT / "functions" / name / "requirements.txt"
        pins = frozenset(_pins(lock.read_text()))
        if pins not in made:
            made[pins] = tmp_path_factory.mktemp("environment")
            venv.create(made[pins], with_pip=False, symlinks=True)
            _install(made[pins], lock)
    return {
        name: made[frozenset(_pins((ROOT / "functions" / name / "requirements.txt").read_text()))]
        for name in FUNCTIONS
    }


def _install(folder: Path, lock: Path) -> None:
    pip = (sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"))
    words = ("install", "--quiet", "--no-compile", "--require-hashes", "-r", str(lock))
    done = subprocess.run(
        [*pip, *words], capture_output=True, text=True, timeout=INSTALL_SECONDS_MAX, check=False
    )
    assert done.returncode == 0, done.stderr


@contextlib.asynccontextmanager
async def _served(
    name: str, folder: Path, environment: Path, firestore: str
) -> AsyncIterator[httpx.AsyncClient]:
    """The function on a port of its own, started as Cloud Run's builder starts it."""
    for path, content in _files(name).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content)
    port = free_port()
    source = _main(name)
    process = subprocess.Popen(  # noqa: ASYNC220 - starting is quick
        (str(environment / "bin" / "functions-framework"), "--source", source, "--target", name),
        cwd=folder,
        env={
            **SETTINGS,
            "FIRESTORE_EMULATOR_HOST": firestore,
            "FUNCTION_USE_ASGI": "true",
            "HOST": "127.0.0.1",
            "PORT": str(port),
            # As functions/Dockerfile says; the others have everything beside main.py.
            **({"PYTHONPATH": f"{folder / 'functions'}:{folder}"} if name == "prober" else {}),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        transport = httpx.AsyncHTTPTransport(retries=CONNECT_TRIES)
        url = f"http://127.0.0.1:{port}"
        async with httpx.AsyncClient(
            base_url=url, transport=transport, timeout=SECONDS_MAX
        ) as client:
            yield client
    except httpx.ConnectError as error:
        process.kill()
        raise AssertionError(f"{name} does not start:\n{process.communicate()[0]}") from error
    finally:
        process.terminate()
        process.communicate(timeout=SECONDS_MAX)


@pytest.mark.parametrize("name", FUNCTIONS)
async def test_a_function_is_served_from_its_archive_alone(
    name: str, tmp_path: Path, environments: dict[str, Path]
) -> None:
    """In an empty folder, with its own lock and nothing of this repository."""
    async with (
        FirestoreEmulator() as emulator,
        _served(name, tmp_path, environments[name], emulator.host) as client,
    ):
        if name == "api":
            for path in ("/health", "/streams", "/", "/openapi.json", "/docs", "/docs.js"):
                answer = await client.get(path)
                assert answer.status_code == 200, (path, answer.text)
            return
        answer = await client.post("/", headers={"X-CloudScheduler": "true"})
        assert answer.status_code == 200, answer.text
        assert isinstance(answer.json(), dict)
        assert (await client.get("/")).status_code == 405


@pytest.mark.parametrize("name", FUNCTIONS)
def test_an_archive_holds_its_function_and_the_rules_and_nothing_else(name: str) -> None:
    """An allow-list: no other function, no cache, no test, no key."""
    files = _files(name)
    main = _main(name)
    assert {main, main.replace("main.py", "requirements.txt")} <= files.keys()
    inside = {path.removeprefix("functions/") for path in files}
    assert {path.partition("/")[0] for path in inside if "/" in path} == {
        "rtmp",
        "coordinator",
        name,
    }
    ends = {path.rpartition(".")[2] for path in files if "/" in path}
    assert ends <= {"py", "html", "css", "js", "svg", "txt"}
    texts = {path.rpartition("/")[2] for path in files if path.endswith(".txt")}
    licences = {"LICENSE.txt", "NOTICE.txt", "swagger-ui-bundle.js.LICENSE.txt"}
    assert texts == {"requirements.txt"} | (licences if name == "api" else set())
    assert files[main] == (ROOT / "functions" / name / "main.py").read_text()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_an_archive_lacks_nothing_of_its_packages(name: str) -> None:
    """A new kind of file in a package must be added to the allow-list."""
    files = _files(name)
    for package in ("rtmp", "functions/coordinator", f"functions/{name}"):
        folder = ROOT / package
        for path in folder.rglob("*"):
            inside = f"{package}/{path.relative_to(folder)}"
            inside = inside if name == "prober" else inside.removeprefix("functions/")
            is_left_out = path.name in ("main.py", "requirements.in", "requirements.txt")
            if path.is_file() and "__pycache__" not in inside and not is_left_out:
                assert files.get(inside) == path.read_text(), inside


def test_the_archive_of_the_node_image_is_what_its_dockerfile_copies() -> None:
    """Its whole context, but for what only builds and tests it."""
    files = _files("node")
    assert {"Dockerfile", "node_image/requirements.txt"} <= files.keys()
    for package in ("rtmp", "node_image/agent"):
        for path in (ROOT / package).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                assert str(path.relative_to(ROOT)) in files


@pytest.mark.parametrize("name", FUNCTIONS)
def test_no_module_of_ours_has_the_name_of_an_installed_one(
    name: str, environments: dict[str, Path]
) -> None:
    """The framework appends our folder to the search path: an installed package would win."""
    (packages,) = (environments[name] / "lib").glob("python3.*/site-packages")
    for module in ("rtmp", "coordinator", name, "main"):
        assert not (packages / module).exists()
        assert not (packages / f"{module}.py").exists()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_lock_agrees_with_the_repositorys_own(name: str) -> None:
    """The same versions and hashes that everything else is tested with, and no addresses."""
    lock = (ROOT / "functions" / name / "requirements.txt").read_text()
    assert _pins(lock)
    assert _pins(lock) <= _pins((ROOT / "requirements.txt").read_text())
    assert "--hash=sha256:" in lock
    assert not re.search(r"https?://|file://|--index-url|--find-links|--trusted-host", lock)


async def test_the_known_bad_control_node_is_believed_by_the_api_and_polls_as_a_node(
    tmp_path: Path, environments: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It finds the stream by itself, under the id that its key gives it."""
    key = key_of(7)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "node.key").write_text(f"ed25519:{key}")
    async with (
        FirestoreEmulator() as emulator,
        _served("api", tmp_path / "api", environments["api"], emulator.host) as client,
    ):
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", emulator.host)
        measurements = Measurements(FirestoreStore(SETTINGS["GOOGLE_CLOUD_PROJECT"]))
        money = FirestoreStore(SETTINGS["GOOGLE_CLOUD_PROJECT"], "money")
        await enter(money, radio=SPONSOR_KEY)
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
