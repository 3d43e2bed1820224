"""A client that a well-known generator makes of the OpenAPI document does what people do: nobody
has to write one by hand."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date, datetime
from importlib import import_module, invalidate_caches
from pathlib import Path
from typing import Any

import httpx
import pytest

from coordinator.adapters.records import Measurements
from coordinator.adapters.store.firestore import FirestoreStore
from coordinator.checking.checks import IngestState, Run
from emulator.firestore_emulator import FirestoreEmulator
from tests.integration.live_api import DAY, JPEG, KEY, PROJECT, seed, served
from tests.lived import FIRST_EPOCH, NODES, PICTURE, START_S, STREAM_ID
from tests.signing import auth_of, key_of, node_id_of

PACKAGE = "generated_restream_client"
CONFIG = {
    "package_name_override": PACKAGE,
    "post_hooks": [],
    # The generator knows few media types by itself; these are read like the ones that it knows.
    "content_type_overrides": {
        "audio/x-mpegurl": "text/plain",
        "image/svg+xml": "text/plain",
        "image/jpeg": "application/octet-stream",
    },
}
GENERATE_SECONDS_MAX = 60


class Generated:
    """The generated package before a live api; remembers which operations were called."""

    def __init__(self, url: str, document: dict[str, Any]) -> None:
        self._client_of = import_module(f"{PACKAGE}.client")
        self._url = url
        self._tags = {
            operation["operationId"]: operation["tags"][0]
            for methods in document["paths"].values()
            for operation in methods.values()
        }
        self.reads = {
            methods["get"]["operationId"]
            for methods in document["paths"].values()
            if "get" in methods
        }
        self.called: set[str] = set()

    def model(self, name: str) -> Any:
        """A generated class."""
        return getattr(import_module(f"{PACKAGE}.models"), name)

    async def __call__(
        self,
        operation: str,
        *path: str | int | date,
        key: str | None = None,
        signed: httpx.Auth | None = None,
        **given: Any,
    ) -> Any:
        """What an operation answers, parsed. What was sent is in the answer without a loss."""
        self.called.add(operation)
        known: dict[str, Any] = {"base_url": self._url, "raise_on_unexpected_status": True}
        known["httpx_args"] = {"trust_env": False}
        if signed is not None:
            known["httpx_args"]["auth"] = signed
        if key is None:
            client = self._client_of.Client(**known)
        else:
            client = self._client_of.AuthenticatedClient(token=key, **known)
        module = import_module(f"{PACKAGE}.api.{self._tags[operation]}.{operation}")
        async with client:
            answer = await module.asyncio_detailed(*path, client=client, **given)
        if hasattr(answer.parsed, "to_dict"):
            assert _plain(answer.parsed.to_dict()) == _plain(json.loads(answer.content))
        return answer.parsed


def _plain(value: Any) -> Any:
    """Equal for the same instant however it is written."""
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    if isinstance(value, str) and value[10:11] == "T" and value[:4].isdigit():
        return datetime.fromisoformat(value).timestamp()
    return value


@asynccontextmanager
async def _generated(
    firestore: FirestoreEmulator, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Generated]:
    """A client made of the document that the live api serves; a warning of the generator fails."""
    async with served(firestore, folder) as url:
        async with httpx.AsyncClient(trust_env=False) as client:
            document = (await client.get(f"{url}/openapi.json")).json()
        (folder / "openapi.json").write_text(json.dumps(document))
        (folder / "config.json").write_text(json.dumps(CONFIG))
        program = str(Path(sys.executable).parent / "openapi-python-client")
        argv = [program, "generate", "--path", "openapi.json", "--config", "config.json"]
        argv += ["--meta", "none", "--output-path", PACKAGE, "--fail-on-warning"]
        done = await asyncio.to_thread(
            subprocess.run,
            argv,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=GENERATE_SECONDS_MAX,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        monkeypatch.syspath_prepend(str(folder))
        for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
            monkeypatch.delitem(sys.modules, name)
        invalidate_caches()
        yield Generated(url, document)


async def _checked_lately() -> None:
    """The network lived long ago; this check of it is a minute old, as a reader meets them."""
    store = FirestoreStore(PROJECT)
    measurements = Measurements(store)
    draw = int(time.time()) // 60 - 1
    runs = await measurements.runs(range(START_S // 60, START_S // 60 + 60))
    shown = (check for run in runs for check in run.checks if check.thumbnail == PICTURE)
    check = next(check for check in shown if check.node_id == "n-good")
    late = replace(check, draw=draw, due_s=draw * 60 + 7.25)
    run = Run(draw, draw * 60.0, draw * 60 + 50.0, (), {STREAM_ID: IngestState.LIVE}, (late,))
    await measurements.record_run(run, draw * 60 + 50.0)
    await store.close()


async def test_a_sponsor_and_a_node_need_no_client_of_their_own(
    firestore: FirestoreEmulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the registration to the end of a stream, with what is refused on the way."""
    for name in ("(default)", "money"):
        await firestore.clear(PROJECT, name)
    async with _generated(firestore, tmp_path, monkeypatch) as call:
        asked = call.model("StreamIn")(
            name="Main stage", token_balance="1000", reward_per_node_hour="1.5"
        )
        refused = await call("register_a_stream", key="wrong", body=asked)
        assert (refused.type_, refused.status) == ("/problems/key-unknown", 403)
        made = await call("register_a_stream", key=KEY, body=asked, idempotency_key="main-stage")
        again = await call("register_a_stream", key=KEY, body=asked, idempotency_key="main-stage")
        assert made.publish_url == again.publish_url
        stream_id = made.stream_id
        publish = call.model("PublishIn")(
            stream_id=stream_id, stream_key=made.publish_url.partition("?key=")[2]
        )
        assert await call("may_it_publish", key=KEY, body=publish) is None

        more = call.model("TopUpIn")(amount="12.5")
        added = await call("add_tokens", stream_id, key=KEY, body=more, idempotency_key="one")
        assert (added.entry.kind, added.balance) == ("top_up", "1012.5")
        other = call.model("TopUpIn")(amount="13.5")
        refused = await call("add_tokens", stream_id, key=KEY, body=other, idempotency_key="one")
        assert refused.type_ == "/problems/idempotency-conflict"
        told = call.model("WebhookIn")(webhook_url="http://127.0.0.1:20009/hook")
        once: dict[str, Any] = {"key": KEY, "idempotency_key": "hook"}
        webhook = await call("set_a_webhook", stream_id, body=told, **once)
        assert webhook.webhook_secret.startswith("whsec_")
        again = await call("set_a_webhook", stream_id, body=told, **once)
        assert again.to_dict() == webhook.to_dict()
        off = call.model("WebhookIn")(webhook_url=None)
        refused = await call("set_a_webhook", stream_id, body=off, **once)
        assert refused.type_ == "/problems/idempotency-conflict"
        seen = await call("get_a_webhook", stream_id, key=KEY)
        assert (seen.webhook_url, seen.state) == (told.webhook_url, "waiting")

        node: dict[str, Any] = {"signed": auth_of(key_of(7))}
        beat = call.model("HeartbeatIn")(stream_id=stream_id, stats_port=20_007, rtmp_port=20_008)
        refused = await call("announce", body=beat, **node)
        assert refused.type_ == "/problems/address-unsigned"
        beat = call.model("HeartbeatIn").from_dict({**beat.to_dict(), "address": refused.address})
        answer = await call("announce", body=beat, **node)
        assert answer.node_id == node_id_of(key_of(7))
        assert answer.fix
        beat = call.model("HeartbeatIn").from_dict({**beat.to_dict(), "repeats": True})
        assert (await call("announce", body=beat, **node)).stream_id == stream_id
        knock = call.model("DialBackIn")(stats_port=20_007, rtmp_port=20_008)
        refused = await call("call_back", body=knock, **node)
        assert (refused.status, refused.retry_after) == (429, 10)

        closed = await call("close_a_stream", stream_id, key=KEY)
        assert isinstance(closed.ends_at, datetime)
        assert (await call("get_a_stream", stream_id)).ends_at == closed.ends_at


async def test_a_reader_follows_the_record_from_a_stream_to_the_evidence(
    firestore: FirestoreEmulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every route that is read without a key, with types all the way down."""
    await seed(firestore)
    await _checked_lately()
    async with _generated(firestore, tmp_path, monkeypatch) as call:
        assert (await call("health")).status == (await call("healthz")).status == "ok"
        (stream,) = (await call("list_streams")).streams
        assert stream.stream_id == STREAM_ID == (await call("get_a_stream", STREAM_ID)).stream_id
        first = await call("list_nodes", stream_id=STREAM_ID, page_size=4)
        rest = await call("list_nodes", stream_id=STREAM_ID, page_token=first.next_page_token)
        nodes = [node.node_id for node in (*first.nodes, *rest.nodes)]
        assert nodes == sorted(NODES)
        good = await call("get_a_node", "n-good")
        assert (good.status, good.minutes_due > 0) == ("healthy", True)
        assert good.rtmp_url in await call("get_a_playlist", STREAM_ID)
        for badge in (("get_a_stream_badge", STREAM_ID), ("get_a_node_badge", "n-good")):
            assert (await call(*badge)).startswith("<svg")

        statements = await call("list_statements", STREAM_ID)
        hour = await call("get_a_statement", STREAM_ID, FIRST_EPOCH)
        assert statements.statements[0].to_dict() == hour.to_dict()
        (row,) = (row for row in hour.rows if row.node_id == "n-good")
        receipt = await call("get_a_receipt", "n-good")
        assert receipt.epochs[-1].row.to_dict() == row.to_dict()
        settings = await call("get_the_settings")
        assert settings.current.to_dict() == settings.history[-1].to_dict()
        assert settings.current.holding_epochs == hour.holding_epochs
        delivery = await call("get_a_delivery", STREAM_ID)
        assert delivery.hours[0].paid == hour.paid
        assert delivery.entries[0].kind == "deposit"

        (check,) = (await call("list_a_nodes_checks", "n-good")).checks
        runs = await call("list_runs", from_draw=check.draw, until_draw=check.draw + 1)
        (same,) = (one for one in runs.runs[0].checks if one.node_id == "n-good")
        assert (same.verdict, same.due_s) == (check.verdict, check.due_s)
        assert same.attempts[-1].matched == check.attempts[-1].matched > 0
        picture = await call("get_a_thumbnail", PICTURE)
        assert same.attempts[-1].thumbnail == PICTURE
        assert picture.payload.read() == JPEG
        tick = START_S // 60
        (sweep,) = (await call("list_sweeps", from_tick=tick, until_tick=tick + 1)).sweeps
        roster = await call("get_a_roster", f"{sweep.shard}-{sweep.roster_version}")
        assert {slot.node_id for slot in roster.slots} == set(NODES)
        assert (await call("get_a_schedule", DAY.day)).commitment == DAY.commitment
        missing = await call("get_a_node", "n-404")
        assert (missing.type_, missing.detail) == (
            "/problems/unknown-node",
            "No node is called n-404; a new one appears with its first sweep.",
        )
        assert call.called == call.reads - {"get_a_webhook"}
