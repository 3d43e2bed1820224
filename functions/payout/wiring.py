"""Builds the payout out of its settings, and answers its trigger."""

from collections.abc import Mapping
from typing import Any

from coordinator.adapters.clock import Clock, system_clock
from coordinator.adapters.cloud_scheduler import scheduler_of
from coordinator.adapters.firestore import FirestoreStore
from coordinator.adapters.ledger import Ledger
from coordinator.adapters.log import Log
from coordinator.adapters.outbound.guard import Guard
from coordinator.adapters.outbound.http_client import HttpClient
from coordinator.adapters.page_documents import PageWriter
from coordinator.adapters.records import Measurements
from coordinator.adapters.scheduler import Scheduler
from coordinator.adapters.settings import PayoutSettings
from coordinator.adapters.store import Store
from coordinator.adapters.switching import Switch
from coordinator.adapters.triggers import Handler, answering
from coordinator.adapters.webhook_records import Webhooks
from payout.delivering import LIMITS, Deliverer
from payout.paging import Pager
from payout.resting import Resting
from payout.settling import Settler


def build(environ: Mapping[str, str]) -> Handler:
    """The payout's handler; SettingsError when a setting is wrong."""
    settings = PayoutSettings.from_env(environ)
    project = settings.google_cloud_project
    return build_on(
        FirestoreStore(project, settings.measurement_database),
        FirestoreStore(project, settings.money_database),
        settings,
        system_clock,
        scheduler_of(settings),
    )


def build_on(
    measured: Store,
    money: Store,
    settings: PayoutSettings,
    clock: Clock,
    scheduler: Scheduler | None,
) -> Handler:
    """The handler on any two stores; without a scheduler all jobs always run."""
    log = Log("payout", settings.log_level)
    measurements, ledger = Measurements(measured, settings.shards), Ledger(money)
    settler = Settler(
        measurements,
        ledger,
        settings.calendar,
        settings.holding_epochs,
        clock,
        log,
        settings.network_share_percent,
        Pager(measurements, ledger, PageWriter(measured), log),
    )
    client = HttpClient(Guard(allow_private=settings.allow_private_addresses), LIMITS)
    deliverer = Deliverer(Webhooks(money), ledger, client, settings.calendar, clock, log)
    resting = None
    if scheduler is not None and settings.scheduler_switched:
        switch = Switch(measured, scheduler, clock, log)
        resting = Resting(measurements, ledger, switch, clock, log)

    async def pay(_: Mapping[str, str]) -> tuple[int, Mapping[str, Any]]:
        # First, because settling may fail, and nobody is to wait for it to be measured.
        jobs = await resting.review() if resting else "always on"
        summary = {**await settler.settle_due(), "jobs": jobs}
        # Last: what strangers' servers do or leave undone delays no settlement of this call.
        summary["webhooks"] = await deliverer.deliver_due()
        # Not done is called again at once and not in ten minutes: settling twice changes nothing.
        status = 500 if summary["failed"] else 503 if jobs == "unclear" else 200
        return status, summary

    return answering(pay)
