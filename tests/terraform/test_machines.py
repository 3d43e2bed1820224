"""What the machines are started with: units that systemd takes, scripts that are really run."""

import asyncio
import json
import os
import re
import runpy
import shutil
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from coordinator.strangers.relay_stats import Media, parse_stats
from emulator.firestore_emulator import FirestoreEmulator
from tests.e2e.certificates import certificate, served_with
from tests.image.tools import call
from tests.integration.live_api import KEY, served
from tests.terraform.plans import EVERYTHING, REQUIRED, ROOT, applied, planned, resources

LARGE = {**REQUIRED, "size": "large", "expected": {"nodes": 1000}}
"""Control nodes on a machine of their own."""
ALL = pytest.mark.parametrize(
    "variables", [REQUIRED, EVERYTHING, LARGE], ids=["defaults", "everything", "large"]
)
INGEST, GOOD, BAD = "restream.service", "restream-good.service", "restream-bad.service"
SECRETS = "secretmanager.googleapis.com"
SECONDS_MAX = 60.0
GOOGLES = re.compile(r"docker-credential-gcr configure-docker --registries=(\S+) && docker pull")


def _files(variables: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """For each machine, the files that cloud-init writes: text by path."""
    found = {}
    for one in resources(applied(variables), "google_compute_instance_template"):
        config = yaml.safe_load(one.values["metadata"]["user-data"])
        found[one.key] = {file["path"]: file["content"] for file in config["write_files"]}
    return found


@ALL
def test_a_machine_starts_the_image_in_its_role(variables: dict[str, Any]) -> None:
    """What cloud-init is given is YAML, with the units that it starts and no others."""
    for one in resources(applied(variables), "google_compute_instance_template"):
        config = yaml.safe_load(one.values["metadata"]["user-data"])
        files = {file["path"]: file["content"] for file in config["write_files"]}
        (start,) = (line for line in config["runcmd"] if line.startswith("systemctl start"))
        units = {Path(path).name for path in files if path.endswith(".service")}
        assert set(start.split()[2:]) == units == _roles(variables)[one.key]
        for unit in units:
            text = files[f"/etc/systemd/system/{unit}"]
            assert "ExecStart=/usr/bin/docker run" in text
            assert ("ROLE=ingest" in text) == (unit == INGEST)
        if BAD in units:
            compile(files["/etc/restream/claims.py"], "claims.py", "exec")
        assert files["/etc/restream/read-secret.sh"].startswith("#!/bin/bash")
        assert one.values["shielded_instance_config"][0]["enable_secure_boot"]


def _roles(variables: Mapping[str, Any]) -> dict[str, set[str]]:
    """The units of each machine."""
    controls = {GOOD, BAD} if variables.get("control_nodes", True) else set()
    if variables.get("size", "small") == "small":
        return {"ingest": {INGEST, *controls}}
    return {"ingest": {INGEST}} | ({"control": controls} if controls else {})


@ALL
def test_what_shares_a_machine_shares_no_port_and_each_is_let_in(
    variables: dict[str, Any],
) -> None:
    """By the machine's own firewall and by the network's, by which the machine is tagged."""
    outcome = applied(variables)
    open_to_world = {
        tag: {port for rule in one.values["allow"] for port in rule["ports"]}
        for one in resources(outcome, "google_compute_firewall")
        for tag in one.values["target_tags"]
        if "0.0.0.0/0" in one.values["source_ranges"]
    }
    for one in resources(outcome, "google_compute_instance_template"):
        config = yaml.safe_load(one.values["metadata"]["user-data"])
        (iptables,) = (line for line in config["runcmd"] if line.startswith("iptables"))
        (let_in,) = (set(found.split(",")) for found in re.findall(r"--dports (\S+)", iptables))
        served = list[str]()
        for unit in _roles(variables)[one.key]:
            text = {f["path"]: f["content"] for f in config["write_files"]}[
                f"/etc/systemd/system/{unit}"
            ]
            ports = dict(re.findall(r"--env (RTMP_PORT|STATS_PORT)=(\d+)", text))
            served.append(ports.get("STATS_PORT", "8080"))
            if unit != BAD:  # it serves nothing
                served.append(ports.get("RTMP_PORT", "1935"))
        assert len(served) == len(set(served))
        assert let_in == set(served)
        world = set().union(*(open_to_world.get(tag, set()) for tag in one.values["tags"]))
        assert world >= let_in - {"8080"}  # Google's health check alone asks for that


def test_in_a_small_network_the_good_node_reaches_the_ingest_beside_it() -> None:
    """By the public address, which the machine itself does not know; so no traffic is paid for."""
    (one,) = resources(applied(), "google_compute_instance_template")
    (address,) = resources(applied(), "google_compute_address")
    commands = yaml.safe_load(one.values["metadata"]["user-data"])["runcmd"]
    known = f"ip address add {address.values['address']}/32 dev lo"
    assert commands.index(known) < len(commands) - 1
    for large in resources(applied(LARGE), "google_compute_instance_template"):
        assert "dev lo" not in large.values["metadata"]["user-data"]


def test_a_control_node_does_not_take_the_memory_of_the_ingest_beside_it() -> None:
    """The machine has one GiB, and its system needs a quarter of that."""
    (files,) = _files(REQUIRED).values()
    limits = {
        Path(path).name: int(found[1])
        for path, text in files.items()
        if (found := re.search(r"--memory (\d+)m ", text))
    }
    assert limits.keys() == {GOOD, BAD}
    assert sum(limits.values()) <= 300


@pytest.mark.parametrize(
    ("expected", "type_"),
    [
        ({"nodes": 1}, "e2-small"),
        ({"nodes": 200}, "e2-small"),
        ({"nodes": 201}, "e2-medium"),
        ({"nodes": 800}, "e2-standard-2"),
        ({"nodes": 800, "mbits": 8.75}, "e2-standard-4"),
    ],
)
def test_the_ingest_s_machine_sends_what_is_expected(
    expected: dict[str, float], type_: str
) -> None:
    """The least that does, unless another one is wanted."""
    variables = {**REQUIRED, "size": "large", "expected": expected}
    for one in resources(planned(variables), "google_compute_instance_template"):
        assert one.values["machine_type"] == (type_ if one.key == "ingest" else "e2-small")


def test_a_small_network_has_one_machine_and_another_may_be_wanted() -> None:
    """Of the least type that there is."""
    for more, type_ in (({}, "e2-micro"), ({"ingest_machine": "e2-medium"}, "e2-medium")):
        found = resources(planned({**REQUIRED, **more}), "google_compute_instance_template")
        assert [one.values["machine_type"] for one in found] == [type_]


@ALL
def test_units_are_understood_and_begin_again_by_themselves(
    variables: dict[str, Any], tmp_path: Path
) -> None:
    """One that only required another would never start once that had failed: a secret that may not
    be read yet, an image that is not there yet."""
    for files in _files(variables).values():
        units = {Path(path).name: text for path, text in files.items() if path.endswith(".service")}
        assert units
        for name, text in units.items():
            assert "Requires=" not in text
            assert {"Restart=always", "TimeoutStartSec=600"} <= set(text.split())
            assert "docker pull" in text
            # systemd wants the programs to exist; docker may not be on this machine.
            (tmp_path / name).write_text(text.replace("/usr/bin/docker", "/bin/true"))
            assert shutil.which("systemd-analyze"), "Install it: apt-get install systemd"
            call(["systemd-analyze", "verify", "--man=no", str(tmp_path / name)])


@ALL
def test_only_googles_registries_are_shown_the_machines_identity(
    variables: dict[str, Any],
) -> None:
    """docker-credential-gcr would hand a token of the machine to whatever registry it is told."""
    for files in _files(variables).values():
        text = "".join(files.values())
        registry = str(variables.get("images", {}).get("node", "europe-west1-docker.pkg.dev"))
        shown = set(GOOGLES.findall(text))
        assert shown == ({registry} if registry.endswith("pkg.dev") else set())


@dataclass
class Google:
    """Answers as the metadata server and Secret Manager do, and notes who asked for what."""

    secrets: dict[str, str]
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *rest = head.strip().split("\r\n")
        headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in rest)}
        path = first.split()[1]
        self.asked.append((path, headers))
        found = self._found(path)
        body = json.dumps(found or {"error": {"code": 403}}, indent=2).encode()
        status = "200 OK" if found else "403 Forbidden"
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()
        writer.close()

    def _found(self, path: str) -> dict[str, Any] | None:
        if path.startswith("/computeMetadata/"):
            return {"access_token": "ya29.token", "expires_in": 3599, "token_type": "Bearer"}
        data = self.secrets.get(path)
        return {"name": path, "payload": {"data": data, "dataCrc32c": "1"}} if data else None


@asynccontextmanager
async def _google(folder: Path, secrets: dict[str, str]) -> AsyncIterator[tuple[Google, str]]:
    """The two servers, and a folder that makes curl ask them instead of Google's."""
    google, tls = Google(secrets), certificate(folder, host=SECRETS)
    plain = await asyncio.start_server(google.answer, "127.0.0.1", 0)
    secure = await asyncio.start_server(google.answer, "127.0.0.1", 0, ssl=served_with(tls))
    ports = [server.sockets[0].getsockname()[1] for server in (plain, secure)]
    (folder / ".curlrc").write_text(
        f'connect-to = "metadata.google.internal:80:127.0.0.1:{ports[0]}"\n'
        f'connect-to = "{SECRETS}:443:127.0.0.1:{ports[1]}"\ncacert = "{tls}"\nnoproxy = "*"\n'
    )
    try:
        yield google, str(folder)
    finally:
        plain.close()
        secure.close()


async def _read(home: str, name: str) -> subprocess.CompletedProcess[str]:
    script = ROOT / "terraform" / "files" / "read-secret.sh"
    return await asyncio.to_thread(
        subprocess.run,
        ["bash", str(script), "my-network-4711", name],
        env=dict(os.environ) | {"CURL_HOME": home},
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )


async def test_a_machine_reads_its_secret_as_itself_and_nothing_where_it_may_not(
    tmp_path: Path,
) -> None:
    """Over TLS, with the token of its own identity; a refusal ends the unit's start."""
    assert shutil.which("curl"), "Install it: apt-get install curl"
    path = "/v1/projects/my-network-4711/secrets/restream-ingest-key/versions/latest:access"
    async with _google(tmp_path, {path: "c2VjcmV0LWtleQ=="}) as (google, home):
        done = await _read(home, "restream-ingest-key")
        assert (done.returncode, done.stdout) == (0, "secret-key"), done.stderr
        (metadata, told), (secret, shown) = google.asked
        assert metadata.endswith("/service-accounts/default/token")
        assert told["metadata-flavor"] == "Google"
        assert secret == path
        assert shown["authorization"] == "Bearer ya29.token"
        refused = await _read(home, "restream-lottery-key")
        assert refused.returncode != 0
        assert refused.stdout == ""


CLAIMS = runpy.run_path(str(ROOT / "terraform" / "files" / "claims.py"))


async def test_the_known_bad_node_follows_the_newest_stream_of_more_than_a_page(
    tmp_path: Path,
) -> None:
    """The list is by id and begins with streams that ended long ago."""
    async with FirestoreEmulator() as emulator, served(emulator, tmp_path) as url:
        async with httpx.AsyncClient(base_url=url, timeout=SECONDS_MAX) as client:
            made = {}
            for _ in range(55):
                wish = {"name": "Stage", "token_balance": "5", "reward_per_node_hour": "1"}
                headers = {"Authorization": f"Bearer {KEY}"}
                stream = (await client.post("/streams", json=wish, headers=headers)).json()
                made[stream["stream_id"]] = stream["created_at"]
        claims = CLAIMS["Claims"](url, KEY)
        await asyncio.to_thread(claims.announce)
    assert made[claims.stats()["stream"]["id"]] == max(made.values())


def test_the_known_bad_node_claims_to_be_live_only_while_others_serve_its_stream() -> None:
    """Else the prober would wait, and be paid, for a stream that nobody publishes."""
    claims = CLAIMS["Claims"]("http://127.0.0.1:9", KEY)
    for is_served, media in ((False, Media.WAITING), (True, Media.LIVE)):
        claims._stream_id, claims._is_served = "show", is_served
        assert parse_stats(json.dumps(claims.stats()).encode(), "show").media is media


def test_the_known_bad_node_claims_what_is_checked() -> None:
    """Of a stream that nobody publishes nobody is checked."""
    choice = CLAIMS["choice"]
    streams = [
        {"stream_id": "s2", "status": "active", "nodes_verified": 1, "created_at": "2026-11-02"},
        {"stream_id": "s3", "status": "active", "nodes_verified": 0, "created_at": "2026-11-03"},
        {"stream_id": "s5", "status": "closed", "nodes_verified": 1, "created_at": "2026-11-05"},
    ]
    assert choice(streams) == ("s2", True)
    assert choice(streams[1:]) == ("s3", False)
    assert choice(streams[2:]) is None
