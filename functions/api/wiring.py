"""Builds the api out of its settings."""

import secrets
from collections.abc import Mapping

from fastapi import FastAPI

from api.app import create_app
from api.http.callers import IngestKey, NodeKey, SponsorKey
from api.services.announcements import Announcements
from api.services.dial_back import DialBack
from api.services.registrar import Registrar
from api.services.scheduled_jobs import Jobs
from api.services.services import Services
from api.services.snapshots import Snapshots
from api.services.subscriptions import Subscriptions
from coordinator.adapters.clock import Clock, system_clock
from coordinator.adapters.log import Log
from coordinator.adapters.outbound.guard import Guard
from coordinator.adapters.records import Measurements
from coordinator.adapters.records.ledger import Ledger
from coordinator.adapters.records.projection_documents import ProjectionReader, ProjectionWriter
from coordinator.adapters.records.webhooks import Webhooks
from coordinator.adapters.scheduling.cloud_scheduler import scheduler_of
from coordinator.adapters.scheduling.job_control import Scheduler
from coordinator.adapters.scheduling.switch import Switch
from coordinator.adapters.settings import ApiSettings
from coordinator.adapters.store.firestore import FirestoreStore
from coordinator.adapters.store.protocol import Store

HEARTBEAT_SECONDS_MAX = 30
PROJECTIONS_HELD_SECONDS = 60
"""What an epoch changes may be shown so much later, and a sixth of an epoch at most."""


def build(environ: Mapping[str, str]) -> FastAPI:
    """The application on Firestore; SettingsError when a setting is wrong."""
    settings = ApiSettings.from_env(environ)
    project = settings.google_cloud_project
    return build_on(
        FirestoreStore(project, settings.measurement_database),
        FirestoreStore(project, settings.money_database),
        settings,
        system_clock,
        Guard(
            allow_private=settings.allow_private_addresses,
            control_names=settings.control_names,
        ),
        scheduler=scheduler_of(settings),
    )


def build_on(  # noqa: PLR0913 - everything outside of the process, each named
    measured: Store,
    money: Store,
    settings: ApiSettings,
    clock: Clock,
    calls_back: Guard | None = None,
    *,
    scheduler: Scheduler | None = None,
) -> FastAPI:
    """The application on any two stores; without `calls_back` nodes are not called back, and
    without a scheduler all jobs always run."""
    # Longer than other functions, because it only lists: every part once, beside what it needs.
    measurements, ledger = Measurements(measured, settings.shards), Ledger(money)
    calendar = settings.calendar
    snapshots = Snapshots(
        measurements,
        ledger,
        calendar.sweep_seconds,
        clock,
        seconds_max=min(5.0, calendar.sweep_seconds / 4),
        writer=ProjectionWriter(measured),
    )
    log = Log("api", settings.log_level)
    switch = Switch(measured, scheduler, clock, log) if scheduler else None
    guard = calls_back or Guard(
        allow_private=settings.allow_private_addresses,
        control_names=settings.control_names,
    )
    subscriptions = Subscriptions(Webhooks(money), ledger, guard, calendar, clock)
    announcements = Announcements(
        measurements,
        snapshots,
        clock,
        settings.ingest_url,
        settings.allow_private_addresses,
        min(HEARTBEAT_SECONDS_MAX, calendar.sweep_seconds),
        calendar,
        DialBack(guard, clock) if calls_back else None,
        switch,
    )
    return create_app(
        Services(
            measurements=measurements,
            ledger=ledger,
            snapshots=snapshots,
            projections=ProjectionReader(
                measured, clock, min(PROJECTIONS_HELD_SECONDS, calendar.epoch_seconds / 6)
            ),
            registrar=Registrar(
                measurements, ledger, calendar, clock, secrets.token_bytes, subscriptions, switch
            ),
            subscriptions=subscriptions,
            announcements=announcements,
            jobs=Jobs(scheduler, clock),
            calendar=calendar,
            clock=clock,
            log=log,
            sponsor_key=SponsorKey(settings.sponsor_key_hashes),
            node_key=NodeKey(),
            ingest_key=IngestKey(settings.ingest_key_hash),
            ingest_url=settings.ingest_url,
            public_url=settings.public_url,
            trusted_proxies=settings.trusted_proxies,
            requests_per_second=settings.requests_per_second,
        )
    )
