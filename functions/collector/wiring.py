"""Builds the collector out of its settings, and answers its trigger."""

from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from collector.sweeping import Sweeper
from coordinator.adapters.clock import Clock, system_clock
from coordinator.adapters.firestore import FirestoreStore
from coordinator.adapters.log import Log, LogEvent
from coordinator.adapters.outbound.guard import Guard
from coordinator.adapters.outbound.poll_client import PollClient
from coordinator.adapters.records import Measurements
from coordinator.adapters.settings import CollectorSettings
from coordinator.adapters.store import Store
from coordinator.adapters.triggers import refuse_unless_post
from coordinator.polling.shards import SHARDS_MAX


def build(environ: Mapping[str, str]) -> Callable[[Request], Awaitable[Response]]:
    """The collector's handler; SettingsError when a setting is wrong."""
    settings = CollectorSettings.from_env(environ)
    store = FirestoreStore(settings.google_cloud_project, settings.measurement_database)
    return build_on(store, settings, system_clock)


def build_on(
    store: Store, settings: CollectorSettings, clock: Clock
) -> Callable[[Request], Awaitable[Response]]:
    """The handler on any store."""
    log = Log("collector", settings.log_level)
    sweeper = Sweeper(
        Measurements(store, settings.shards),
        PollClient(Guard(allow_private=settings.allow_private_addresses)),
        settings.calendar,
        clock,
        log,
        settings.shards,
    )

    async def answer(request: Request) -> Response:
        if refused := refuse_unless_post(request):
            return refused
        shard = request.query_params.get("shard", "0")
        if not shard.isascii() or not shard.isdigit() or int(shard) >= SHARDS_MAX:
            says = f"shard is a whole number below {SHARDS_MAX}"
            return JSONResponse({"error": says}, status_code=400)
        if int(shard) >= settings.shards:
            # Its job was made before, or lives on after, the setting: no error to be repeated.
            return JSONResponse({"shard": int(shard), "result": "no such shard"})
        summary = await sweeper.sweep(int(shard))
        log(LogEvent.SWEPT, **summary)
        return JSONResponse(summary)

    return answer
