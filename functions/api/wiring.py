"""Builds the api out of its settings."""

import secrets
from collections.abc import Mapping

from fastapi import FastAPI

from api.app import create_app
from api.dialback import LIMITS, DialBack
from api.nodes import Announcements
from api.services import Services
from api.snapshots import Snapshots
from api.streams import Registrar
from coordinator.adapters.clock import Clock, system_clock
from coordinator.adapters.firestore import FirestoreStore
from coordinator.adapters.ledger import Ledger
from coordinator.adapters.outbound import Outbound
from coordinator.adapters.records import Measurements
from coordinator.adapters.settings import ApiSettings
from coordinator.adapters.store import Store
from coordinator.leases import Leases

HEARTBEAT_SECONDS_MAX = 30


def build(environ: Mapping[str, str]) -> FastAPI:
    """The application on Firestore; SettingsError when a setting is wrong."""
    settings = ApiSettings.from_env(environ)
    project = settings.google_cloud_project
    return build_on(
        FirestoreStore(project, settings.measurement_database),
        FirestoreStore(project, settings.money_database),
        settings,
        system_clock,
        DialBack(
            Outbound(allow_private=settings.allow_private_addresses, limits=LIMITS), system_clock
        ),
    )


def build_on(
    measured: Store,
    money: Store,
    settings: ApiSettings,
    clock: Clock,
    dial_back: DialBack | None = None,
) -> FastAPI:
    """The application on any two stores; without `dial_back` nodes are not called back."""
    measurements, ledger = Measurements(measured, settings.shards), Ledger(money)
    calendar = settings.calendar
    snapshots = Snapshots(
        measurements,
        ledger,
        calendar.sweep_seconds,
        clock,
        seconds_max=min(5.0, calendar.sweep_seconds / 4),
    )
    announcements = Announcements(
        measurements,
        snapshots,
        clock,
        settings.ingest_url,
        settings.allow_private_addresses,
        min(HEARTBEAT_SECONDS_MAX, calendar.sweep_seconds),
        calendar,
        Leases((settings.lease_key or secrets.token_hex(32)).encode()),
        dial_back,
    )
    return create_app(
        Services(
            measurements=measurements,
            ledger=ledger,
            snapshots=snapshots,
            registrar=Registrar(measurements, ledger, calendar, clock, secrets.token_bytes),
            announcements=announcements,
            calendar=calendar,
            clock=clock,
            sponsors=settings.sponsor_key_hashes,
            ingest_key_hash=settings.ingest_key_hash,
            ingest_url=settings.ingest_url,
            public_url=settings.public_url,
            trusted_proxies=settings.trusted_proxies,
            requests_per_second=settings.requests_per_second,
        )
    )
