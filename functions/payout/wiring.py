"""Builds the payout out of its settings, and answers its trigger."""

from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from coordinator.adapters.clock import system_clock
from coordinator.adapters.firestore import FirestoreStore
from coordinator.adapters.ledger import Ledger
from coordinator.adapters.log import Log
from coordinator.adapters.records import Measurements
from coordinator.adapters.settings import PayoutSettings
from coordinator.adapters.triggers import refuse_unless_post
from payout.settling import Settler


def build(environ: Mapping[str, str]) -> Callable[[Request], Awaitable[Response]]:
    """The payout's handler; SettingsError when a setting is wrong."""
    settings = PayoutSettings.from_env(environ)
    project = settings.google_cloud_project
    settler = Settler(
        Measurements(FirestoreStore(project, settings.measurement_database), settings.shards),
        Ledger(FirestoreStore(project, settings.money_database)),
        settings.calendar,
        settings.holding_epochs,
        system_clock,
        Log("payout", settings.log_level),
        settings.network_share_percent,
    )

    async def answer(request: Request) -> Response:
        if refused := refuse_unless_post(request):
            return refused
        return JSONResponse(await settler.settle_due())

    return answer
