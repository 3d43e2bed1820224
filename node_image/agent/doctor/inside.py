"""What this machine itself can tell: ports, relay, ingest, playback and upload."""

import asyncio
import time

import httpx

from agent.doctor.findings import Finding, FindingKind, ok, problem, unknown
from agent.doctor.upload import upload_bits_per_s
from agent.endpoints import AddressError, check_port_free
from agent.player import PlayError, play
from agent.settings import AgentSettings
from agent.upstream_names import UpstreamNames
from rtmp.addresses import RtmpAddress

RELAY_S_MAX = 10.0
LIVE_S_MAX = 5.0
_CONNECT_S_MAX = 5.0
_ASK_S_MAX = 3.0
_LOOK_S = 0.25
PLAY_S, PLAY_S_MAX = 2.0, 8.0
RATE_S = 3.0
# One viewer and, now and then, a check.
VIEWERS_MIN = 2


class OwnPages:
    """The pages of the agent on this machine."""

    def __init__(self, settings: AgentSettings) -> None:
        self.host = local_host(settings)
        self._url = f"http://{self.host}:{settings.stats_port}"
        self._client = httpx.AsyncClient(trust_env=False, timeout=_ASK_S_MAX)

    async def get(self, path: str) -> dict[str, object]:
        """A page's JSON; nothing if there is none."""
        try:
            async with asyncio.timeout(_ASK_S_MAX):
                body = (await self._client.get(self._url + path)).json()
        except (httpx.HTTPError, TimeoutError, ValueError):
            return {}
        return body if isinstance(body, dict) else {}

    async def part(self, name: str) -> dict[str, object]:
        """`relay` or `stream` of the statistics."""
        part = (await self.get("/stats.json")).get(name)
        return part if isinstance(part, dict) else {}

    async def wait(self, name: str, state: str, seconds: float) -> bool:
        """Wait until a part of the statistics is in a state."""
        until_s = time.monotonic() + seconds
        while (await self.part(name)).get("state") != state:
            if time.monotonic() > until_s:
                return False
            await asyncio.sleep(_LOOK_S)
        return True


def local_host(settings: AgentSettings) -> str:
    """Where this machine reaches its own relay and agent."""
    everywhere = settings.bind_address == "0.0.0.0"  # noqa: S104 -- compared, not bound
    return "127.0.0.1" if everywhere else settings.bind_address


def check_ports_free(settings: AgentSettings) -> Finding:
    """Could relay and agent listen now?"""
    try:
        check_port_free(settings.bind_address, settings.rtmp_port, "RTMP_PORT")
        check_port_free(settings.bind_address, settings.stats_port, "STATS_PORT")
    except AddressError as e:
        says, _, fix = str(e).partition(": ")
        return problem(FindingKind.PORTS, f"{says}.", fix[:1].upper() + fix[1:])
    return ok(FindingKind.PORTS, f"{settings.rtmp_port} and {settings.stats_port} are free.")


async def check_ports_bound(pages: OwnPages, settings: AgentSettings, node_id: str) -> Finding:
    """Do relay and agent listen where they should, and nobody else in their place?"""
    rtmp, stats = settings.rtmp_port, settings.stats_port
    if (await pages.get("/stats.json")).get("node_id") != node_id:
        says = f"On port {stats} of this machine something else answers."
        return problem(FindingKind.PORTS, says, f"Stop what uses port {stats}, or set STATS_PORT.")
    try:
        async with asyncio.timeout(_CONNECT_S_MAX):
            _, writer = await asyncio.open_connection(pages.host, rtmp)
        writer.close()
    except (OSError, TimeoutError) as e:
        says = f"The relay does not listen on port {rtmp}: {str(e) or 'timeout'}."
        return problem(FindingKind.PORTS, says, f"Stop what uses port {rtmp}, or set RTMP_PORT.")
    return ok(FindingKind.PORTS, f"Relay and agent listen on {rtmp} and {stats}.")


async def check_relay(pages: OwnPages) -> Finding:
    """Does the relay run?"""
    if await pages.wait("relay", "running", RELAY_S_MAX):
        return ok(FindingKind.RELAY, "The relay runs.")
    if (await pages.part("relay")).get("state") == "overrun":
        says = "The relay takes no more viewers: connections hold all its places."
        return problem(FindingKind.RELAY, says, "Limit how many connections one address may hold.")
    reason = str((await pages.get("/healthz")).get("reason", "The agent does not answer."))
    return problem(FindingKind.RELAY, "The relay does not run.", reason)


async def check_stream(
    pages: OwnPages, settings: AgentSettings, ingest: RtmpAddress
) -> list[Finding]:
    """Does media arrive, and does it play here as a viewer would play it?"""
    if not await pages.wait("stream", "live", LIVE_S_MAX):
        silent = "Nobody publishes the stream now, so it could not be played."
        upstreams = UpstreamNames(settings.coordinator_url)
        return [await _check_ingest(upstreams, ingest), unknown(FindingKind.PLAYBACK, silent)]
    name = str((await pages.part("stream")).get("id"))
    url = RtmpAddress(pages.host, settings.rtmp_port, "live", name)
    arrives = ok(FindingKind.INGEST, "Media arrives from the ingest.")
    try:
        played = await play(url, PLAY_S, PLAY_S_MAX)
    except PlayError as e:
        says = f"The stream does not play on this machine: {e}."
        fix = "Restart the node; if that does not help, send its log to the coordinator's ops."
        return [arrives, problem(FindingKind.PLAYBACK, says, fix)]
    packets = f"{played.video} pictures and {played.audio} pieces of sound"
    return [arrives, ok(FindingKind.PLAYBACK, f"The stream plays here: {packets} in {PLAY_S:g} s.")]


async def _check_ingest(upstreams: UpstreamNames, ingest: RtmpAddress) -> Finding:
    try:
        address = (await upstreams.resolve(ingest.host))[0]
        async with asyncio.timeout(_CONNECT_S_MAX):
            _, writer = await asyncio.open_connection(address, ingest.port)
        writer.close()
    except (AddressError, OSError, TimeoutError) as e:
        says = f"The ingest {ingest.host}:{ingest.port} is not reached: {str(e) or 'timeout'}."
        fix = f"Allow this machine to connect to {ingest.host}, TCP port {ingest.port}."
        return problem(FindingKind.INGEST, says, fix)
    return ok(FindingKind.INGEST, "The ingest is reached, but sends no media now.")


async def check_upload(pages: OwnPages, settings: AgentSettings) -> Finding:
    """Can this machine send the stream as often as it has to?"""
    needed = await _stream_bits_per_s(pages) * VIEWERS_MIN
    able = await upload_bits_per_s(settings.coordinator_url, settings.coordinator_ca)
    return judge_upload(able, needed)


def judge_upload(able: float | None, needed: float) -> Finding:
    """Both in bits a second; `needed` is 0 while no stream is live. Pure."""
    if able is None:
        return unknown(FindingKind.UPLOAD, "The upload rate could not be measured.")
    says = f"This machine uploads at least {able / 1e6:.1f} Mbit/s."
    if able >= needed:
        return ok(FindingKind.UPLOAD, says)
    return problem(
        FindingKind.UPLOAD,
        f"{says} The stream needs {needed / 1e6:.1f} Mbit/s for one viewer and a check.",
        "Free the upload (other programs, Wi-Fi), or run the node where there is more of it.",
    )


async def _stream_bits_per_s(pages: OwnPages) -> float:
    first = await pages.part("stream")
    if first.get("state") != "live":
        return 0.0
    begun_s = time.monotonic()
    await asyncio.sleep(RATE_S)
    last = await pages.part("stream")
    before, after = first.get("bytes_in"), last.get("bytes_in")
    if not isinstance(before, int) or not isinstance(after, int):
        return 0.0
    return max(0, after - before) * 8 / (time.monotonic() - begun_s)
