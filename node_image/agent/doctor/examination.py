"""The whole examination, in the order in which problems follow from one another."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from agent.coordinator import Coordinator
from agent.doctor.findings import Finding, Kind, Verdict, conclusion, ok
from agent.doctor.inside import (
    OwnPages,
    check_ports_free,
    check_relay,
    check_stream,
    check_upload,
)
from agent.doctor.outside import ask_coordinator, ask_for_dial_back
from agent.keys import node_id_of
from agent.node import Agent
from agent.settings import Settings
from agent.streams import Stream

_STOP_S_MAX = 5.0


async def examine(settings: Settings, key: str, tell: Callable[[Finding], None]) -> None:
    """A running node's first look outside: neither plays the stream nor measures the upload."""
    coordinator = Coordinator(settings.coordinator_url, key, settings.coordinator_ca)
    try:
        reached = await ask_coordinator(settings, coordinator)
        outside = await ask_for_dial_back(settings, coordinator) if reached.stream else []
        for finding in (*reached.findings, *outside):
            tell(finding)
    finally:
        await coordinator.close()


async def doctor(settings: Settings, key: str, work_dir: Path) -> int:
    """Examine, print, and return the exit code; runs relay and agent itself if they do not run."""
    findings = []
    async for finding in _findings(settings, key, work_dir):
        print(finding.line, flush=True)
        findings.append(finding)
    last, code = conclusion(findings)
    print(last, flush=True)
    return code


async def _findings(settings: Settings, key: str, work_dir: Path) -> AsyncIterator[Finding]:
    coordinator = Coordinator(settings.coordinator_url, key, settings.coordinator_ca)
    try:
        reached = await ask_coordinator(settings, coordinator)
        for finding in reached.findings:
            yield finding
        pages = OwnPages(settings)
        is_running = (await pages.get("/stats.json")).get("node_id") == node_id_of(key)
        if is_running:
            yield ok(Kind.PORTS, "This node is running, and is examined as it runs.")
        else:
            free = check_ports_free(settings)
            yield free
            if free.verdict is Verdict.PROBLEM:
                return
        if settings.role != "node" or reached.stream is None:
            return
        async with contextlib.AsyncExitStack() as stack:
            if not is_running:
                agent = Agent(settings, key, work_dir, is_announcing=False)
                await stack.enter_async_context(_running(agent, reached.stream))
            async for finding in _of_the_relay(settings, coordinator, pages, reached.stream):
                yield finding
    finally:
        await coordinator.close()


async def _of_the_relay(
    settings: Settings, coordinator: Coordinator, pages: OwnPages, stream: Stream
) -> AsyncIterator[Finding]:
    relay = await check_relay(pages)
    yield relay
    if relay.verdict is Verdict.PROBLEM:
        return
    for finding in await check_stream(pages, settings, stream.ingest_url):
        yield finding
    for finding in await ask_for_dial_back(settings, coordinator):
        yield finding
    yield await check_upload(pages, settings)


@contextlib.asynccontextmanager
async def _running(agent: Agent, stream: Stream) -> AsyncIterator[None]:
    """Relay and agent for the time of the examination."""
    agent.follow(stream)
    running = asyncio.create_task(agent.run())
    try:
        yield
    finally:
        agent.stop()
        await asyncio.wait({running}, timeout=_STOP_S_MAX)
