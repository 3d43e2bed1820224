"""Builds the collector out of its settings, and answers its trigger."""

from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from collector.sweeping import Sweeper
from coordinator.adapters.clock import system_clock
from coordinator.adapters.firestore import FirestoreStore
from coordinator.adapters.log import Log
from coordinator.adapters.outbound import Outbound
from coordinator.adapters.records import Measurements
from coordinator.adapters.settings import CollectorSettings
from coordinator.adapters.triggers import refuse_unless_post
from coordinator.polling.shards import SHARDS_MAX


def build(environ: Mapping[str, str]) -> Callable[[Request], Awaitable[Response]]:
    """The collector's handler; SettingsError when a setting is wrong."""
    settings = CollectorSettings.from_env(environ)
    log = Log("collector", settings.log_level)
    store = FirestoreStore(settings.google_cloud_project, settings.measurement_database)
    sweeper = Sweeper(
        Measurements(store, settings.shards),
        Outbound(allow_private=settings.allow_private_addresses),
        settings.calendar,
        system_clock,
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
        log("swept", **summary)
        return JSONResponse(summary)

    return answer
