"""What the relay tells its agent, and nobody else: JSON, at a socket in the agent's folder."""

import asyncio
import json
from collections.abc import Callable, Iterable

from agent.relay.restream.admission import Admission
from agent.relay.restream.stream import LiveStream
from agent.relay.restream.upstream_marks import UpstreamMarks
from rtmp import amf
from rtmp.errors import RtmpError
from rtmp.messages import Message, MessageKind

ASK_S_MAX = 2.0
_TOLD = {
    "width": "width",
    "height": "height",
    "frame_rate": "framerate",
    "sample_rate": "audiosamplerate",
    "channels": "audiochannels",
}
"""What is told of the metadata, by the publishers' names (FLV 10.1, annex E.5)."""
_NUMBER_MAX = 1_000_000
_KINDS = {MessageKind.VIDEO: "video", MessageKind.AUDIO: "audio"}


async def serve_statistics(path: str, page: Callable[[], dict[str, object]]) -> asyncio.Server:
    """Answer whatever is asked at this socket with the page, in the manner of HTTP 1.0."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(ASK_S_MAX):
                await reader.readuntil(b"\r\n\r\n")
                writer.write(b"HTTP/1.0 200 OK\r\n\r\n" + json.dumps(page()).encode())
                await writer.drain()
        except (OSError, EOFError, ValueError, TimeoutError):
            return  # the agent asks again in a second
        finally:
            writer.close()

    return await asyncio.start_unix_server(answer, path)


def statistics_of(
    admission: Admission,
    streams: Iterable[tuple[LiveStream, bool]],
    now_s: float,
    marks: UpstreamMarks | None = None,
) -> dict[str, object]:
    """Everything, as plain values; with each stream whether it is published.

    `marks` are of a node's upstream; an ingest has none.
    """
    return {
        "connections": admission.connections,
        "queued_bytes": admission.memory_bytes,
        "refused": dict(admission.refused),
        "marks": {"state": marks.state, "left": dict(marks.left)} if marks else None,
        "streams": [_stream(stream, is_published, now_s) for stream, is_published in streams],
    }


def _stream(stream: LiveStream, is_published: bool, now_s: float) -> dict[str, object]:
    return {
        "name": stream.name,
        "is_published": is_published,
        "viewers": sum(viewer.is_watching(now_s) for viewer in stream.viewers),
        "bytes_in": stream.bytes_in,
        "bytes_out": stream.bytes_out,
        "codecs": [
            {"kind": _KINDS[MessageKind(kind)], "track": track, "codec": codec}
            for (kind, track), codec in sorted(stream.codecs.items())
        ],
        "metadata": described(stream.metadata),
        "key_interval_ms": stream.key_interval_ms,
        "gop_bytes": stream.gop_bytes,
        "dropped_batches": stream.dropped_batches,
    }


def described(metadata: Message | None) -> dict[str, float]:
    """The numbers that a publisher says of its media; 0 for whatever cannot be right."""
    try:
        values = amf.decode(metadata.body) if metadata else []
    except RtmpError:
        values = []
    said = values[1] if len(values) > 1 else None
    fields = said if isinstance(said, dict) else {}
    told = {name: _number(fields.get(theirs)) for name, theirs in _TOLD.items()}
    if not told["channels"] and isinstance(is_stereo := fields.get("stereo"), bool):
        told["channels"] = 2.0 if is_stereo else 1.0
    return told


def _number(value: amf.Value) -> float:
    if isinstance(value, float) and 0 <= value <= _NUMBER_MAX:
        return value
    return 0.0
