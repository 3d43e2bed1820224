"""What the relay tells its agent: one small file of JSON, replaced as a whole each second."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from rtmp import amf
from rtmp.errors import RtmpError
from rtmp.messages import Message, MessageKind

if TYPE_CHECKING:
    from agent.relay.restream.relay import Relay
    from agent.relay.restream.stream import LiveStream

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


def write_statistics(relay: "Relay", path: str) -> None:
    """A reader finds the last whole one."""
    draft = Path(f"{path}.new")
    draft.write_text(json.dumps(statistics_of(relay)))
    os.replace(draft, path)


def statistics_of(relay: "Relay") -> dict[str, object]:
    """Everything, as plain values."""
    return {
        "written_s": relay.clock(),
        "connections": relay.admission.connections,
        "queued_bytes": relay.admission.memory_bytes,
        "refused": dict(relay.admission.refused),
        "streams": [_stream(relay, stream) for stream in relay.streams.values()],
    }


def _stream(relay: "Relay", stream: "LiveStream") -> dict[str, object]:
    return {
        "name": stream.name,
        "is_published": relay.published(stream.name),
        "viewers": sum(viewer.sent_bytes > 0 for viewer in stream.viewers),
        "bytes_in": stream.bytes_in,
        "bytes_out": stream.bytes_out,
        "codecs": [
            {"kind": _KINDS[MessageKind(kind)], "track": track, "codec": codec}
            for (kind, track), codec in sorted(stream.codecs.items())
        ],
        "metadata": described(stream.metadata),
        "key_interval_ms": stream.key_interval_ms,
        "gop_bytes": stream.gop_bytes,
        "dropped_batches": sum(viewer.dropped_batches for viewer in stream.viewers),
    }


def described(metadata: Message | None) -> dict[str, float]:
    """The numbers that a publisher says of its media; 0 for whatever cannot be right."""
    try:
        values = amf.decode(metadata.body) if metadata else []
    except RtmpError:
        values = []
    said = values[1] if len(values) > 1 else None
    fields = said if isinstance(said, dict) else {}
    return {name: _number(fields.get(theirs)) for name, theirs in _TOLD.items()}


def _number(value: amf.Value) -> float:
    if isinstance(value, float) and 0 <= value <= _NUMBER_MAX:
        return value
    return 0.0
