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

from emulator.firestore_emulator import FirestoreEmulator
from tests.e2e.certificates import certificate, served_with
from tests.image.tools import call
from tests.integration.live_api import KEY, served
from tests.terraform.plans import EVERYTHING, REQUIRED, ROOT, applied, resources

BOTH = pytest.mark.parametrize("variables", [REQUIRED, EVERYTHING], ids=["defaults", "everything"])
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


@BOTH
def test_a_machine_starts_the_image_in_its_role(variables: dict[str, Any]) -> None:
    """What cloud-init is given is YAML, with the units that it starts."""
    for one in resources(applied(variables), "google_compute_instance_template"):
        config = yaml.safe_load(one.values["metadata"]["user-data"])
        files = {file["path"]: file["content"] for file in config["write_files"]}
        (start,) = (line for line in config["runcmd"] if line.startswith("systemctl start"))
        for unit in start.split()[2:]:
            text = files[f"/etc/systemd/system/{unit}"]
            assert "ExecStart=/usr/bin/docker run" in text
            assert "Restart=always" in text
        if one.key == "ingest":
            assert "ROLE=ingest" in files["/etc/systemd/system/restream.service"]
        else:
            compile(files["/etc/restream/claims.py"], "claims.py", "exec")
        assert files["/etc/restream/read-secret.sh"].startswith("#!/bin/bash")
        assert one.values["shielded_instance_config"][0]["enable_secure_boot"]


@BOTH
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


@BOTH
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


def test_the_known_bad_node_claims_what_is_checked() -> None:
    """Of a stream that nobody publishes nobody is checked."""
    choice = CLAIMS["choice"]
    streams = [
        {"stream_id": "s2", "status": "active", "nodes_verified": 1, "created_at": "2026-11-02"},
        {"stream_id": "s3", "status": "active", "nodes_verified": 0, "created_at": "2026-11-03"},
        {"stream_id": "s5", "status": "closed", "nodes_verified": 1, "created_at": "2026-11-05"},
    ]
    assert choice(streams) == "s2"
    assert choice(streams[1:]) == "s3"
    assert choice(streams[2:]) is None
