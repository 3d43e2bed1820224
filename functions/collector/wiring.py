"""Builds the collector out of its settings, and answers its trigger."""

from collections.abc import Mapping
from typing import Any

from collector.sweeper import Sweeper
from coordinator.adapters.clock import Clock, system_clock
from coordinator.adapters.log import Log, LogEvent
from coordinator.adapters.outbound.guard import NAME_KEPT_S, Guard
from coordinator.adapters.outbound.poll_client import PollClient
from coordinator.adapters.records import Measurements
from coordinator.adapters.scheduling.triggers import Handler, answering
from coordinator.adapters.settings import CollectorSettings
from coordinator.adapters.store.firestore import FirestoreStore
from coordinator.adapters.store.protocol import Store
from coordinator.sweeping.shards import SHARDS_MAX


def build(environ: Mapping[str, str]) -> Handler:
    """The collector's handler; SettingsError when a setting is wrong."""
    settings = CollectorSettings.from_env(environ)
    store = FirestoreStore(settings.google_cloud_project, settings.measurement_database)
    return build_on(store, settings, system_clock)


def build_on(store: Store, settings: CollectorSettings, clock: Clock) -> Handler:
    """The handler on any store."""
    log = Log("collector", settings.log_level)
    sweeper = Sweeper(
        Measurements(store, *settings.parts),
        PollClient(
            Guard(
                allow_private=settings.allow_private_addresses,
                control_names=settings.control_names,
                kept_s=NAME_KEPT_S,
            )
        ),
        settings.calendar,
        clock,
        log,
        settings.shards,
    )

    async def sweep(query: Mapping[str, str]) -> tuple[int, Mapping[str, Any]]:
        shard = query.get("shard", "0")
        if not shard.isascii() or not shard.isdigit() or int(shard) >= SHARDS_MAX:
            return 400, {"error": f"shard is a whole number below {SHARDS_MAX}"}
        if int(shard) >= settings.shards:
            # Its job was made before, or lives on after, the setting: no error to be repeated.
            return 200, {"shard": int(shard), "result": "no such shard"}
        summary = await sweeper.sweep(int(shard))
        log(LogEvent.SWEPT, **summary)
        return 200, summary

    return answering(sweep, clock, log)
