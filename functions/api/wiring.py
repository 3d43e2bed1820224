"""Builds the api out of its settings."""

from collections.abc import Callable, Mapping
from secrets import token_bytes

from fastapi import FastAPI

from api.app import create_app
from api.http.callers import IngestKey, SponsorKey
from api.http.doorway import bound
from api.http.node_signature import NodeSignature
from api.services.announcements import Announcements
from api.services.dial_back import DialBack
from api.services.known_sponsors import KnownSponsors
from api.services.registrar import Registrar
from api.services.reports import Reports
from api.services.scheduled_jobs import Jobs
from api.services.services import Services
from api.services.snapshots import Snapshots
from api.services.subscriptions import Subscriptions
from api.services.treasurer import Treasurer
from coordinator.adapters.clock import Clock, SystemClock, system_clock
from coordinator.adapters.log import Log, LogEvent
from coordinator.adapters.outbound.guard import Guard
from coordinator.adapters.records import Measurements
from coordinator.adapters.records.ledger import Ledger
from coordinator.adapters.records.projection_documents import ProjectionReader, ProjectionWriter
from coordinator.adapters.records.sponsor_books import SponsorBooks
from coordinator.adapters.records.webhooks import Webhooks
from coordinator.adapters.scheduling.cloud_scheduler import scheduler_of
from coordinator.adapters.scheduling.job_control import Scheduler
from coordinator.adapters.scheduling.switch import Switch
from coordinator.adapters.settings import ApiSettings
from coordinator.adapters.store.firestore import FirestoreStore
from coordinator.adapters.store.protocol import Store
from coordinator.epochs import Calendar

HEARTBEAT_SECONDS_MAX = 30
PROJECTIONS_HELD_SECONDS = 60
"""What an epoch changes may be shown so much later, and a sixth of an epoch at most."""


def build(environ: Mapping[str, str]) -> FastAPI:
    """The application on Firestore, and the server's limits; SettingsError for a wrong setting."""
    settings = ApiSettings.from_env(environ)
    bound(settings.trusted_proxies, system_clock)
    project, witness = settings.google_cloud_project, following(system_clock, settings)
    return build_on(
        FirestoreStore(project, settings.measurement_database, witness=witness),
        FirestoreStore(project, settings.money_database, witness=witness),
        settings,
        system_clock,
        _guard(settings),
        scheduler=scheduler_of(settings),
    )


def following(clock: SystemClock, settings: ApiSettings) -> Callable[[float], None]:
    """Has a clock go on by the database's where the machine's is wrong. No trigger tells the api
    the time, and it dates deposits and streams (ADR 76)."""
    log = Log("api", settings.log_level)

    def witness(told_s: float) -> None:
        if off_s := clock.follow(told_s):
            log(LogEvent.CLOCK_OFF, severity="ERROR", off_s=round(off_s))

    return witness


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
    given = measured, money, settings, clock, calls_back
    return create_app(services_on(*given, scheduler=scheduler))


def services_on(  # noqa: PLR0913 - as `build_on`: each named
    measured: Store,
    money: Store,
    settings: ApiSettings,
    clock: Clock,
    calls_back: Guard | None = None,
    *,
    scheduler: Scheduler | None = None,
) -> Services:
    """What its routes work with."""
    measurements, ledger = Measurements(measured, *settings.parts), Ledger(money)
    calendar, log = settings.calendar, Log("api", settings.log_level)
    switch = Switch(measured, scheduler, clock, log) if scheduler else None
    snapshots = _snapshots(measured, measurements, ledger, calendar, clock)
    guard = calls_back or _guard(settings)
    subscriptions = Subscriptions(Webhooks(money), ledger, guard, calendar, clock)
    registrar = Registrar(measurements, ledger, calendar, clock, token_bytes, subscriptions, switch)
    known = settings, measurements, snapshots, clock
    return Services(
        measurements=measurements,
        ledger=ledger,
        snapshots=snapshots,
        projections=_projections(measured, calendar, clock),
        registrar=registrar,
        treasurer=Treasurer(measurements, ledger, calendar, clock, token_bytes),
        reports=Reports(ledger, snapshots, calendar, clock),
        subscriptions=subscriptions,
        announcements=_announcements(*known, calls_back=calls_back, switch=switch),
        jobs=Jobs(scheduler, clock),
        calendar=calendar,
        clock=clock,
        log=log,
        sponsor_key=SponsorKey(KnownSponsors(SponsorBooks(money), clock).name_of),
        node_signature=NodeSignature(clock, settings.public_url),
        ingest_key=IngestKey(settings.ingest_key_sha256),
        ingest_url=settings.ingest_url,
        public_url=settings.public_url,
        trusted_proxies=settings.trusted_proxies,
        requests_per_second=settings.requests_per_second,
    )


def _guard(settings: ApiSettings) -> Guard:
    return Guard(
        allow_private=settings.allow_private_addresses, control_names=settings.control_names
    )


def _snapshots(
    measured: Store, measurements: Measurements, ledger: Ledger, calendar: Calendar, clock: Clock
) -> Snapshots:
    """The network in memory, renewed four times a sweep and every 5 s at the least."""
    seconds_max = min(5.0, calendar.sweep_seconds / 4)
    return Snapshots(
        measurements,
        ledger,
        calendar.sweep_seconds,
        clock,
        seconds_max=seconds_max,
        writer=ProjectionWriter(measured),
    )


def _projections(measured: Store, calendar: Calendar, clock: Clock) -> ProjectionReader:
    held_s = min(PROJECTIONS_HELD_SECONDS, calendar.epoch_seconds / 6)
    return ProjectionReader(measured, clock, held_s)


def _announcements(  # noqa: PLR0913 - what it is built of, each named
    settings: ApiSettings,
    measurements: Measurements,
    snapshots: Snapshots,
    clock: Clock,
    *,
    calls_back: Guard | None,
    switch: Switch | None,
) -> Announcements:
    return Announcements(
        measurements,
        snapshots,
        clock,
        settings.ingest_url,
        settings.allow_private_addresses,
        min(HEARTBEAT_SECONDS_MAX, settings.calendar.sweep_seconds),
        settings.calendar,
        DialBack(calls_back, clock, measurements) if calls_back else None,
        switch,
    )
