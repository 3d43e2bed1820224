"""Lines of ffprobe become packets, and anything else becomes nothing."""

import pytest

from coordinator.adapters.media.packet_lines import PacketLines, ffprobe_argv, packet_of
from coordinator.proof.packets import MediaKind, Packet
from rtmp.addresses import RtmpAddress

DIGEST = "0123456789abcdef" * 4


def test_a_line_is_a_packet() -> None:
    """Kind, timestamp, size, keyframe and the first half of the digest."""
    line = f"video|530023|62176|K_|SHA256:{DIGEST}".encode()
    assert packet_of(line, 7.5, 3) == Packet(
        7.5, MediaKind.VIDEO, 530023, 62176, DIGEST[:32], True, 3
    )
    sound = packet_of(f"audio|-11|13|__|SHA256:{DIGEST}".encode(), 7.5)
    assert sound == Packet(7.5, MediaKind.AUDIO, -11, 13, DIGEST[:32], False, 0)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "video",
        f"data|1|2|K_|SHA256:{DIGEST}",
        f"video|N/A|2|K_|SHA256:{DIGEST}",
        f"video|1|-2|K_|SHA256:{DIGEST}",
        f"video|1|2|K_|SHA256:{DIGEST[1:]}",
        f"video|1|2|K_|MD5:{DIGEST}",
        f"video|1|2|K_|SHA256:{DIGEST}|more",
        f"video|{'9' * 30}|2|K_|SHA256:{DIGEST}",
    ],
)
def test_any_other_line_is_nothing(line: str) -> None:
    """Half a line after a kill, a packet without a timestamp, another kind."""
    assert packet_of(line.encode(), 7.5) is None


def test_a_packet_behind_a_new_codec_header_takes_two_lines() -> None:
    """As when a camera changes its size: that key frame is one of the stream's packets."""
    lines = PacketLines()
    assert lines.packet(b"video|4064|8783|K_|New Extradata", 7.5) is None
    found = lines.packet(f"|SHA256:{DIGEST}".encode(), 7.6)
    assert found == Packet(7.6, MediaKind.VIDEO, 4064, 8783, DIGEST[:32], True)
    assert lines.packet(f"|SHA256:{DIGEST}".encode(), 7.7) is None
    after = lines.packet(f"audio|4064|262|K_|SHA256:{DIGEST}".encode(), 7.8)
    assert after == Packet(7.8, MediaKind.AUDIO, 4064, 262, DIGEST[:32], True)


def test_what_is_begun_is_finished_by_the_next_line_alone() -> None:
    """No line of a server's own choice can stand between them."""
    lines = PacketLines()
    assert lines.packet(b"video|4064|8783|K_|New Extradata", 7.5) is None
    assert lines.packet(b"audio", 7.6) is None
    assert lines.packet(f"|SHA256:{DIGEST}".encode(), 7.7) is None


def test_the_address_is_one_argument() -> None:
    """The last one, after `-i`: nothing of it can become an option."""
    address = RtmpAddress("203.0.113.5", 1935, "live", "s")
    argv = ffprobe_argv(address, analyse_s=2.5, silence_max_s=3)
    assert argv[-2:] == ["-i", "rtmp://203.0.113.5:1935/live/s"]
    assert argv[argv.index("-analyzeduration") + 1] == "2500000"
    assert argv[argv.index("-rw_timeout") + 1] == "3000000"
    assert argv[argv.index("-protocol_whitelist") + 1] == "rtmp,tcp"
