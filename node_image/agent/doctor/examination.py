"""The whole examination, in the order in which problems follow from one another."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from agent.client.answers import RelayedStream
from agent.client.coordinator import CoordinatorClient
from agent.client.signing import SignedBy
from agent.doctor.findings import Finding, FindingKind, FindingState, conclusion, ok
from agent.doctor.inside import (
    OwnPages,
    check_ports_bound,
    check_ports_free,
    check_relay,
    check_stream,
    check_upload,
)
from agent.doctor.outside import ask_coordinator, ask_for_dial_back
from agent.node import Agent
from agent.node_key import node_id_of
from agent.settings import AgentSettings

_STOP_S_MAX = 5.0


async def doctor(settings: AgentSettings, key: str, work_dir: Path) -> int:
    """Examine, print, and return the exit code; runs relay and agent itself if they do not run."""
    findings = []
    async for finding in _findings(settings, key, work_dir):
        print(finding.line, flush=True)
        findings.append(finding)
    last, code = conclusion(findings)
    print(last, flush=True)
    return code


async def _findings(settings: AgentSettings, key: str, work_dir: Path) -> AsyncIterator[Finding]:
    coordinator = CoordinatorClient(
        settings.coordinator_url, SignedBy(key), settings.coordinator_ca
    )
    try:
        reached = await ask_coordinator(settings, coordinator)
        for finding in reached.findings:
            yield finding
        pages = OwnPages(settings)
        is_running = (await pages.get("/stats.json")).get("node_id") == node_id_of(key)
        if is_running:
            yield ok(FindingKind.PORTS, "This node is running, and is examined as it runs.")
        else:
            free = check_ports_free(settings)
            yield free
            if free.state is FindingState.PROBLEM:
                return
        if settings.role != "node" or reached.stream is None:
            return
        async with contextlib.AsyncExitStack() as stack:
            if not is_running:
                agent = Agent(settings, key, work_dir, is_announcing=False)
                await stack.enter_async_context(_running(agent, reached.stream))
            async for finding in of_the_relay(settings, key, coordinator, reached.stream):
                yield finding
            yield await check_upload(pages, settings)
    finally:
        await coordinator.close()


async def of_the_relay(
    settings: AgentSettings, key: str, coordinator: CoordinatorClient, stream: RelayedStream
) -> AsyncIterator[Finding]:
    """What can be told once relay and agent have been started: here, and from outside."""
    pages = OwnPages(settings)
    relay = await check_relay(pages)
    yield relay
    if relay.state is FindingState.PROBLEM:
        return
    yield await check_ports_bound(pages, settings, node_id_of(key))
    for finding in await check_stream(pages, settings, stream.ingest_url):
        yield finding
    for finding in await ask_for_dial_back(settings, coordinator):
        yield finding


@contextlib.asynccontextmanager
async def _running(agent: Agent, stream: RelayedStream) -> AsyncIterator[None]:
    """Relay and agent for the time of the examination."""
    running = asyncio.create_task(agent.run())
    await asyncio.sleep(0)  # until then it does not know where its relay may ask
    agent.follow(stream)
    try:
        yield
    finally:
        agent.stop()
        await asyncio.wait({running}, timeout=_STOP_S_MAX)
