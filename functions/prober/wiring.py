"""Builds the prober out of its settings, and answers its trigger."""

import asyncio
from collections.abc import Mapping
from typing import Any

from coordinator.adapters.clock import system_clock
from coordinator.adapters.log import Log, LogEvent
from coordinator.adapters.media.camera import picture_of
from coordinator.adapters.media.rtmp_probe import RtmpProbe
from coordinator.adapters.media.rtmp_reference import ReferencePool
from coordinator.adapters.outbound.guard import Guard
from coordinator.adapters.outbound.http_client import HttpClient
from coordinator.adapters.processors import ProcessorMeter, processors
from coordinator.adapters.records import Measurements
from coordinator.adapters.scheduling.triggers import Handler, answering
from coordinator.adapters.settings import ProberSettings
from coordinator.adapters.store.firestore import FirestoreStore
from coordinator.adapters.store.protocol import Store
from coordinator.proof.judging import ProofParameters
from prober.capacity import Capacity
from prober.checker import Checker
from prober.pictures import Pictures
from prober.prober import Prober
from prober.sealer import Sealer


def build(environ: Mapping[str, str]) -> Handler:
    """The prober's handler; SettingsError when a setting is wrong."""
    settings = ProberSettings.from_env(environ)
    store = FirestoreStore(settings.google_cloud_project, settings.measurement_database)
    return build_on(store, settings)


def build_on(store: Store, settings: ProberSettings, capacity: Capacity | None = None) -> Handler:
    """The handler on any store. Its clock is the real one: media takes the time that it takes.

    `capacity`: by default what this machine's processors can do."""
    log = Log("prober", settings.log_level)
    checker = Checker(
        RtmpProbe(now=system_clock),
        HttpClient(
            Guard(
                allow_private=settings.allow_private_addresses,
                control_names=settings.control_names,
            )
        ),
        ProofParameters(),
        system_clock,
        asyncio.sleep,
        capacity or Capacity(processors(), ProcessorMeter(system_clock).busy),
    )
    measurements = Measurements(store, settings.shards)
    prober = Prober(
        measurements,
        ReferencePool(now=system_clock),
        checker,
        Sealer(
            measurements,
            settings.lottery_key,
            settings.check_seconds,
            settings.checks_per_hour,
        ),
        settings.calendar,
        settings.ingest_url,
        settings.controls,
        Pictures(measurements, picture_of, system_clock, log),
        system_clock,
        asyncio.sleep,
        log,
    )

    async def check(_: Mapping[str, str]) -> tuple[int, Mapping[str, Any]]:
        summary = await prober.run()
        log(LogEvent.CHECKED, **summary)
        return 200, summary

    return answering(check)
