"""Builds the payout out of its settings, and answers its trigger."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from coordinator.adapters.clock import Clock, system_clock
from coordinator.adapters.log import Log, LogEvent
from coordinator.adapters.outbound.guard import Guard
from coordinator.adapters.outbound.http_client import HttpClient
from coordinator.adapters.records import Measurements
from coordinator.adapters.records.ledger import Ledger
from coordinator.adapters.records.projection_documents import ProjectionWriter
from coordinator.adapters.records.webhooks import Webhooks
from coordinator.adapters.scheduling.cloud_scheduler import scheduler_of
from coordinator.adapters.scheduling.job_control import Scheduler
from coordinator.adapters.scheduling.switch import Switch
from coordinator.adapters.scheduling.triggers import Handler, answering
from coordinator.adapters.settings import PayoutSettings
from coordinator.adapters.store.firestore import FirestoreStore
from coordinator.adapters.store.protocol import Store
from payout.deliverer import LIMITS, Deliverer
from payout.demand_reviewer import DemandReviewer
from payout.projector import Projector
from payout.settler import Settler


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
    measurements, ledger = Measurements(measured, *settings.parts), Ledger(money)
    settler = Settler(
        measurements,
        ledger,
        settings.calendar,
        settings.holding_epochs,
        clock,
        log,
        settings.network_share_percent,
        Projector(measurements, ledger, ProjectionWriter(measured), log),
        settings.checks_per_hour,
        settings.unknown_minutes_max,
    )
    private, controls = settings.allow_private_addresses, settings.control_names
    client = HttpClient(Guard(allow_private=private, control_names=controls), LIMITS)
    unverified = partial(_unverified, measurements, clock)
    webhooks = Webhooks(money)
    deliverer = Deliverer(webhooks, ledger, client, settings.calendar, clock, log, unverified)
    resting = None
    if scheduler is not None and settings.scheduler_switched:
        switch = Switch(measured, scheduler, clock, log)
        resting = DemandReviewer(measurements, ledger, switch, clock, log)

    async def pay(_: Mapping[str, str]) -> tuple[int, Mapping[str, Any]]:
        # First, because settling may fail, and nobody is to wait for it to be measured.
        jobs = await resting.review() if resting else "always on"
        summary = {**await settler.settle_due(), "jobs": jobs}
        # Last: what strangers' servers do or leave undone delays no settlement of this call.
        summary["webhooks"] = await deliverer.deliver_due()
        # Not done is called again at once and not in ten minutes: settling twice changes nothing.
        status = 500 if summary["failed"] else 503 if jobs == "unclear" else 200
        # In every call, whether anything was due or not: an alarm asks when this came last.
        log(LogEvent.PAYOUT_ENDED, result="done" if status == 200 else "again", jobs=jobs)
        return status, summary

    return answering(pay, clock, log)


async def _unverified(measurements: Measurements, clock: Clock) -> Mapping[str, int]:
    """The streams on which nobody can be verified, and since when."""
    return (await measurements.trust()).last_run.all_unverified(clock())
