"""Builds the prober out of its settings, and answers its trigger."""

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any

from coordinator.adapters.clock import system_clock
from coordinator.adapters.log import Log, LogEvent
from coordinator.adapters.media.camera import picture_of
from coordinator.adapters.media.rtmp_reference import ReferencePool
from coordinator.adapters.outbound.guard import Guard
from coordinator.adapters.outbound.http_client import HttpClient
from coordinator.adapters.processors import ProcessorMeter, processors
from coordinator.adapters.records import Measurements
from coordinator.adapters.scheduling.triggers import Handler, answering
from coordinator.adapters.settings import ProberSettings
from coordinator.adapters.store.firestore import FirestoreStore
from coordinator.adapters.store.protocol import Store
from coordinator.checking.check_costs import PROCESSORS_MAX
from coordinator.checking.checks import Control
from coordinator.checking.partitions import PARTITIONS_MAX, partitions_of
from coordinator.proof.judging import ProofParameters
from prober.capacity import Capacity
from prober.captor import captor_of
from prober.checker import Checker
from prober.leavers import has_left
from prober.pictures import Pictures
from prober.prober import Prober
from prober.sealer import Sealer


def build(environ: Mapping[str, str]) -> Handler:
    """The prober's handler; SettingsError when a setting is wrong."""
    settings = ProberSettings.from_env(environ)
    store = FirestoreStore(settings.google_cloud_project, settings.measurement_database)
    return build_on(store, settings)


def build_on(
    store: Store,
    settings: ProberSettings,
    capacity: Capacity | None = None,
    references: ReferencePool | None = None,
) -> Handler:
    """The handler on any store. Its clock is the real one: media takes the time that it takes.

    `capacity`: by default what this machine's processors can do."""
    log = _log(settings)
    measurements = Measurements(store, *settings.parts)
    sealer = _sealer(settings, measurements)
    pictures = Pictures(measurements, picture_of, system_clock, log)
    checker = _checker(settings, measurements, capacity, log)
    pool = references or ReferencePool(now=system_clock)
    # One instance is called for one part, as a rule; a small network's may be called for all.
    probers = [
        Prober(
            measurements,
            pool,
            checker,
            sealer,
            settings.calendar,
            settings.ingest_url,
            pictures,
            system_clock,
            asyncio.sleep,
            log,
            partition,
        )
        for partition in partitions_of(settings.partitions)
    ]

    async def check(query: Mapping[str, str]) -> tuple[int, Mapping[str, Any]]:
        number = query.get("partition", "0")
        if not number.isascii() or not number.isdigit() or int(number) >= PARTITIONS_MAX:
            return 400, {"error": f"partition is a whole number below {PARTITIONS_MAX}"}
        if int(number) >= settings.partitions:
            # Its job was made before, or lives on after, the setting: no error to be repeated.
            return 200, {"partition": int(number), "result": "no such partition"}
        prober = probers[int(number)]
        summary = await prober.run()
        log(LogEvent.CHECKED, **summary)
        await prober.attend(summary["draw"])
        return 200, summary

    return answering(check, system_clock, log)


def _log(settings: ProberSettings) -> Log:
    """Its first line tells of what is missing: nothing checks the checking without controls."""
    log = Log("prober", settings.log_level)
    if not any(kind is Control.GOOD for kind in settings.controls.values()):
        log(LogEvent.NO_CONTROL_NODES, severity="WARNING")
    return log


def _sealer(settings: ProberSettings, measurements: Measurements) -> Sealer:
    rates = settings.check_seconds, settings.checks_per_hour
    return Sealer(measurements, settings.lottery_key, *rates, settings.controls)


def _checker(
    settings: ProberSettings, measurements: Measurements, capacity: Capacity | None, log: Log
) -> Checker:
    return Checker(
        captor_of(system_clock),
        HttpClient(
            Guard(
                allow_private=settings.allow_private_addresses,
                control_names=settings.control_names,
            )
        ),
        ProofParameters(),
        system_clock,
        asyncio.sleep,
        log,
        capacity
        or Capacity(min(processors(), PROCESSORS_MAX), ProcessorMeter(system_clock.steady).busy),
        settings.partitions,
        partial(has_left, measurements),
    )
