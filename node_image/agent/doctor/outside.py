"""What only others can tell: the clock, the stream, and whether they reach this node."""

import asyncio
import ipaddress
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from agent import __version__
from agent.client.answers import RelayedStream
from agent.client.choice import chosen_stream
from agent.client.coordinator import (
    CoordinatorAwayError,
    CoordinatorClient,
    CoordinatorRefusalError,
)
from agent.client.dial_back import DialBackReport
from agent.doctor.findings import Finding, FindingKind, FindingState, ok, problem, unknown
from agent.doctor.own_ipv6 import KERNELS_LIST, own_ipv6
from agent.doctor.routers import CARRIER_NETWORK, carrier_router, hops
from agent.settings import AgentSettings
from agent.stream_ids import AUTO
from agent.versions import UPDATE, says_old

CLOCK_S_MAX = 60.0
AGAIN_S = 11.0


@dataclass(frozen=True)
class Reached:
    """What the first call to the coordinator found."""

    findings: tuple[Finding, ...]
    stream: RelayedStream | None = None


async def ask_coordinator(settings: AgentSettings, coordinator: CoordinatorClient) -> Reached:
    """Is it there, is our clock right, is there a stream for us?"""
    url = settings.coordinator_url
    try:
        sent_s = time.time()
        theirs_s = await coordinator.clock()
        clock = check_clock((sent_s + time.time()) / 2, theirs_s)
        there = ok(FindingKind.COORDINATOR, f"{url} answers.")
        if settings.role != "node":
            return Reached((there, clock))
        finding, stream = await _find_stream(settings, coordinator)
        return Reached((there, clock, finding), stream)
    except CoordinatorAwayError as e:
        return Reached((problem(FindingKind.COORDINATOR, f"{url} cannot be asked: {e}.", e.fix),))


def check_clock(ours_s: float, theirs_s: float | None) -> Finding:
    """Two clocks in Unix seconds, compared. Pure."""
    if theirs_s is None:
        return unknown(FindingKind.CLOCK, "The coordinator does not say what time it is.")
    off_s = ours_s - theirs_s
    if abs(off_s) <= CLOCK_S_MAX:
        return ok(FindingKind.CLOCK, "This machine's clock is right.")
    way = "ahead" if off_s > 0 else "behind"
    return problem(
        FindingKind.CLOCK,
        f"This machine's clock is {abs(off_s):.0f} s {way}.",
        "Set the clock of this machine: sudo timedatectl set-ntp true",
    )


async def _find_stream(
    settings: AgentSettings, coordinator: CoordinatorClient
) -> tuple[Finding, RelayedStream | None]:
    wanted = settings.stream_id
    if wanted == AUTO:
        stream = chosen_stream(await coordinator.candidates(), 0.0)
        if stream is None:
            return unknown(FindingKind.STREAM, "No stream is active now; the node will wait."), None
        return ok(FindingKind.STREAM, f"{stream.stream_id} is chosen."), stream
    try:
        stream = await coordinator.stream(wanted)
    except CoordinatorRefusalError as e:
        fix = f"Set STREAM_ID to the id of a stream of {settings.coordinator_url}/streams"
        return problem(FindingKind.STREAM, f"{wanted}: {e}", fix), None
    if stream.is_over:
        fix = "Choose another stream: set STREAM_ID to its id, or to auto."
        return problem(FindingKind.STREAM, f"{wanted} is closed.", fix), None
    return ok(FindingKind.STREAM, f"{wanted} is {stream.status}."), stream


async def ask_for_dial_back(
    settings: AgentSettings, coordinator: CoordinatorClient, addresses: Path = KERNELS_LIST
) -> list[Finding]:
    """Have the coordinator call both ports, and look for another way in if it cannot."""
    host = urlsplit(settings.coordinator_url).hostname or ""
    found = await asyncio.to_thread(_route, host)
    try:
        dial_back = await _dial_back(settings.whereabouts, coordinator)
    except (CoordinatorAwayError, CoordinatorRefusalError) as e:
        return [unknown(FindingKind.OUTSIDE, f"The coordinator did not call back: {e}")]
    if dial_back is None:
        return [
            check_carrier("", found, is_open=False),
            unknown(FindingKind.OUTSIDE, "This coordinator offers no dial-back."),
        ]
    carrier = check_carrier(dial_back.address, found, dial_back.is_open)
    version = check_version(dial_back.newest_agent)
    ipv6 = own_ipv6(addresses)
    if not dial_back.is_open and ipv6 and await _is_open_at(ipv6, settings, coordinator):
        is_carriers = carrier.state is FindingState.PROBLEM
        kind = FindingKind.CARRIER if is_carriers else FindingKind.OUTSIDE
        return [use_ipv6(ipv6, settings, kind), version]
    return [carrier, check_ports(settings, dial_back), version]


async def _is_open_at(ipv6: str, settings: AgentSettings, coordinator: CoordinatorClient) -> bool:
    """Whether the coordinator reaches both ports there; not if it has no way to IPv6 itself."""
    asked = {**settings.whereabouts, "stats_url": _stats_url(ipv6, settings)}
    asked.pop("stats_port", None)
    try:
        found = await _dial_back(asked, coordinator)
    except (CoordinatorAwayError, CoordinatorRefusalError):
        return False
    return found is not None and found.is_open


def use_ipv6(ipv6: str, settings: AgentSettings, kind: FindingKind) -> Finding:
    """No port has to be forwarded where an IPv6 address is open. Pure."""
    return problem(
        kind,
        f"Over IPv4 this node is not reached, but your IPv6 address {ipv6} is open: use it.",
        f"Start the node with PUBLIC_STATS_URL={_stats_url(ipv6, settings)}",
    )


def _stats_url(ipv6: str, settings: AgentSettings) -> str:
    """Where nothing is translated, the ports are the node's own."""
    return f"http://[{ipv6}]:{settings.stats_port}/stats.json"


async def _dial_back(
    asked: dict[str, object], coordinator: CoordinatorClient
) -> DialBackReport | None:
    try:
        return await coordinator.dial_back(asked)
    except CoordinatorAwayError:
        # It calls a node back only so often, and a first heartbeat has just had it do so.
        await asyncio.sleep(AGAIN_S)
        return await coordinator.dial_back(asked)


def check_carrier(seen: str, found: list[str], is_open: bool) -> Finding:
    """`seen` is the address the coordinator saw, `found` the first routers. Pure."""
    router = carrier_router(found)
    if not router and _is_carrier(seen):
        router = seen
    if router and not is_open:
        return problem(
            FindingKind.CARRIER,
            f"Your provider shares one public address among customers (its router {router}).",
            "Ask your provider for a public IPv4 address of your own, or run the node on a rented "
            "server: ports cannot be forwarded through a carrier's NAT.",
        )
    return ok(FindingKind.CARRIER, "No carrier's NAT was found on the way out.")


def check_version(newest: str) -> Finding:
    """Whether this agent is the newest that the coordinator knows. Pure."""
    if says := says_old(newest):
        fix = f"In the folder of its repository: {UPDATE} (then start the node as before)"
        return problem(FindingKind.VERSION, says, fix)
    return ok(FindingKind.VERSION, f"This agent is version {__version__}: none newer is known.")


def check_ports(settings: AgentSettings, dial_back: DialBackReport) -> Finding:
    """Which port is closed, and what to forward. Pure."""
    closed = [
        (variable, public, local, port.says)
        for variable, public, local, port in (
            ("stats", settings.public_stats_port, settings.stats_port, dial_back.stats),
            ("RTMP", settings.public_rtmp_port, settings.rtmp_port, dial_back.rtmp),
        )
        if not port.is_open
    ]
    if not closed:
        return ok(FindingKind.OUTSIDE, f"Both ports are reached at {dial_back.address}.")
    says = " ".join(f"The {n} port {p} is not reached: {s}" for n, p, _, s in closed)
    rules = " and ".join(_rule(public, local) for _, public, local, _ in closed)
    fix = f"In your router, forward {rules} to this machine, and allow that in its firewall."
    return problem(FindingKind.OUTSIDE, says, fix)


def _rule(public: int, local: int) -> str:
    """Who publishes a container's port under another number has two ports before the node's own."""
    return f"TCP {public}" + (
        "" if public == local else f" (which has to end at the node's {local})"
    )


def _route(host: str) -> list[str]:
    try:
        return hops(socket.gethostbyname(host))
    except OSError:
        return []


def _is_carrier(address: str) -> bool:
    try:
        return ipaddress.ip_address(address) in CARRIER_NETWORK
    except ValueError:
        return False
