"""Reads the XML of nginx's `rtmp_stat live`. Pure."""

import re
from xml.etree import ElementTree as ET

from agent.relay.engines.engine import Audio, Reading, StatisticsError, StreamReading, Video

# nginx escapes <, > and & in the names it repeats, but passes on control characters, which XML
# forbids: one odd publisher could otherwise blind the agent.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def parse_statistics(body: bytes) -> Reading:
    """Every stream of the application `live`. Raises StatisticsError."""
    text = _FORBIDDEN.sub("?", body.decode("utf-8", errors="replace"))
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise StatisticsError("it declares entities, which rtmp_stat never does")
    try:
        # Without entities (refused above) this parser can be neither blown up nor made to read.
        root = ET.fromstring(text.encode())  # noqa: S314
    except ET.ParseError as e:
        raise StatisticsError(f"not XML: {e}") from e
    if root.tag != "rtmp":
        raise StatisticsError(f"the root is <{root.tag}>, not <rtmp>")
    return tuple(
        _stream(stream)
        for application in root.iterfind("server/application")
        if application.findtext("name") == "live"
        for stream in application.iterfind("live/stream")
    )


def _stream(node: ET.Element) -> StreamReading:
    is_published = node.find("publishing") is not None
    video, audio = node.find("meta/video"), node.find("meta/audio")
    return StreamReading(
        name=node.findtext("name") or "",
        is_published=is_published,
        # nclients counts whoever sends the stream in, be it a publisher or the pull.
        viewers=max(0, _number(node, "nclients") - int(is_published)),
        bytes_in=_number(node, "bytes_in"),
        bytes_out=_number(node, "bytes_out"),
        video=_video(video) if video is not None and is_published else None,
        audio=_audio(audio) if audio is not None and is_published else None,
    )


def _video(node: ET.Element) -> Video | None:
    codec = node.findtext("codec") or ""
    if not codec:
        return None
    return Video(
        codec,
        _number(node, "width"),
        _number(node, "height"),
        float(_number(node, "frame_rate")),
    )


def _audio(node: ET.Element) -> Audio | None:
    codec = node.findtext("codec") or ""
    if not codec:
        return None
    return Audio(codec, _number(node, "sample_rate"), _number(node, "channels"))


def _number(node: ET.Element, tag: str) -> int:
    """A count; 0 when nginx left it out. Raises StatisticsError."""
    text = node.findtext(tag) or "0"
    try:
        return int(float(text))  # frame_rate may carry a fraction in other versions
    except (ValueError, OverflowError) as e:
        raise StatisticsError(f"<{tag}> is {text[:40]!r}, not a number") from e
