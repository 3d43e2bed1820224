"""A stream and its viewers: a picture at once, one buffer for all, and slow readers left behind."""

import pytest

from agent.relay.restream.gop import GOP_BYTES_MAX, GOP_MS_MAX
from agent.relay.restream.rate import RATE_S
from agent.relay.restream.stream import (
    HEADERS_MAX,
    SILENT_S,
    STALE_S,
)
from agent.relay.restream.viewer import (
    BEHIND_S_MAX,
    QUEUE_BYTES_MAX,
    QUEUE_BYTES_MIN,
    QUEUE_S_MAX,
    queue_bound,
)
from rtmp.errors import RtmpError
from rtmp.messages import MessageKind, UserControl, user_control
from tests.unit.agent.relay.restream.show import (
    AUDIO_HEADER,
    HEADERS,
    META,
    VIDEO_HEADER,
    Show,
    header,
    inter,
    key,
    metadata,
    sound,
)


def test_who_comes_gets_metadata_headers_and_the_pictures_since_the_last_key_frame() -> None:
    show = Show(META, *HEADERS, key(0), inter(40), key(2000), sound(2010), inter(2040))
    _, reader = show.watch()
    dated = [message._replace(timestamp_ms=2000) for message in HEADERS]
    assert reader.read() == [META, *dated, key(2000), sound(2010), inter(2040)]
    show.play(inter(2080))
    assert reader.read() == [inter(2080)]


def test_what_waits_for_the_next_flush_comes_once() -> None:
    show = Show(*HEADERS, key(0))
    show.stream.offer(inter(40), show.now_s)
    _, reader = show.watch()
    show.stream.flush(show.now_s)
    assert reader.read()[-2:] == [key(0), inter(40)]
    show.play(inter(80))
    assert reader.read() == [inter(80)]


def test_who_comes_before_the_stream_gets_it_from_its_beginning() -> None:
    show = Show()
    _, reader = show.watch()
    show.play(META, *HEADERS, key(0), inter(40))
    read = reader.read()
    assert (read[0], read[-2:]) == (META, [key(0), inter(40)])
    assert set(HEADERS) <= set(read)


def test_without_a_kept_picture_one_begins_where_the_stream_stands() -> None:
    """With a key frame a minute, or none any more, whoever waited for one would see nothing."""
    late = GOP_MS_MAX + 10
    show = Show(META, *HEADERS, key(0), inter(late))
    assert show.stream.gop_bytes == 0
    _, reader = show.watch()
    assert reader.read() == []
    show.play(inter(late + 30), sound(late + 31))
    dated = [message._replace(timestamp_ms=late + 30) for message in HEADERS]
    assert reader.read() == [META, *dated, inter(late + 30), sound(late + 31)]
    show.play(sound(late + 54), key(late + 60))
    assert reader.read() == [sound(late + 54), key(late + 60)]


def test_a_node_that_came_between_key_frames_hands_on_what_it_gets() -> None:
    show = Show(META, *HEADERS, inter(40))
    _, reader = show.watch()
    show.play(inter(80))
    dated = [message._replace(timestamp_ms=80) for message in HEADERS]
    assert reader.read() == [META, *dated, inter(80)]


def test_one_begins_with_the_key_frame_of_the_very_batch_that_ends_what_is_kept() -> None:
    show = Show(META, *HEADERS, key(0))
    show.stream.end()
    _, waits = show.watch()
    show.play(key(30), inter(GOP_MS_MAX + 40))
    dated = [message._replace(timestamp_ms=30) for message in HEADERS]
    assert waits.read() == [META, *dated, key(30), inter(GOP_MS_MAX + 40)]


def test_who_enters_at_a_key_frame_gets_the_headers_that_stood_before_it() -> None:
    """Later ones are in their place, in a burst and in what is sent live."""
    show = Show(META, *HEADERS, key(0))
    show.stream.end()
    other = header(MessageKind.VIDEO, VIDEO_HEADER + b"2", 30_020)
    _, waits = show.watch()
    show.play(key(30_010), other, inter(30_050))
    dated = [message._replace(timestamp_ms=30_010) for message in HEADERS]
    sent = [META, *dated, key(30_010), other, inter(30_050)]
    assert waits.read() == sent
    assert show.watch()[1].read() == sent


def test_a_stream_of_sound_alone_begins_anywhere() -> None:
    show = Show(HEADERS[1], sound(0))
    _, reader = show.watch()
    show.play(sound(23), sound(46))
    assert reader.read() == [HEADERS[1]._replace(timestamp_ms=23), sound(23), sound(46)]


def test_a_new_header_replaces_the_old_one() -> None:
    other = header(MessageKind.VIDEO, VIDEO_HEADER + b"other", 2000)
    show = Show(*HEADERS, key(0), other, key(2000))
    _, reader = show.watch()
    assert [message.body for message in reader.read()[:2]] == [other.body, AUDIO_HEADER]


def test_each_track_keeps_its_header() -> None:
    one = header(MessageKind.VIDEO, b"\x96\x00hvc1\x01one")
    two = header(MessageKind.VIDEO, b"\x96\x00hvc1\x02two")
    show = Show(HEADERS[0], one, two, key(0))
    _, reader = show.watch()
    assert reader.read()[:3] == [HEADERS[0], one, two]
    assert show.stream.codecs == {(9, 0): "avc1", (9, 1): "hvc1", (9, 2): "hvc1"}


def test_a_publisher_cannot_invent_headers_for_ever() -> None:
    show = Show(
        *[header(MessageKind.VIDEO, b"\x96\x00hvc1" + bytes([n])) for n in range(HEADERS_MAX)]
    )
    with pytest.raises(RtmpError, match="codec headers"):
        show.play(header(MessageKind.VIDEO, b"\x96\x00hvc1" + bytes([HEADERS_MAX])))


def test_a_group_of_pictures_that_is_too_large_is_not_kept() -> None:
    """A stream without key frames has no end."""
    show = Show(key(0), *[inter(40, bytes(1_000_000))] * (GOP_BYTES_MAX // 1_000_000))
    assert show.stream.gop_bytes == 0
    show.play(key(80))
    assert 0 < show.stream.gop_bytes < 100


def test_pictures_that_lie_long_are_no_live_stream() -> None:
    show = Show(*HEADERS, key(0))
    show.now_s += STALE_S
    _, reader = show.watch()
    assert reader.read() == []
    show.play(key(7000))
    assert reader.read()[-1] == key(7000)


def test_another_publisher_s_newcomers_get_nothing_of_the_last_one_s() -> None:
    show = Show(META, *HEADERS, key(0))
    show.stream.forget()
    _, reader = show.watch()
    assert reader.read() == []
    assert show.stream.codecs == {}
    show.play(key(40))
    assert reader.read() == [key(40)]


def test_the_key_interval_is_told() -> None:
    show = Show(key(2**32 - 1000), inter(0))
    assert show.stream.key_interval_ms is None
    show.play(key(1000))
    assert show.stream.key_interval_ms == 2000


def test_a_late_key_frame_is_told_before_it_comes() -> None:
    """Of a stream that has one only, nobody would be told else."""
    show = Show(key(0), inter(9000))
    assert show.stream.key_interval_ms is None
    show.play(inter(11_000))
    assert show.stream.key_interval_ms == 11_000
    show.play(key(12_000), inter(14_000))
    assert show.stream.key_interval_ms == 12_000
    show.play(inter(25_000))
    assert show.stream.key_interval_ms == 13_000


def test_another_publisher_s_key_frames_are_counted_anew() -> None:
    show = Show(key(0), key(12_000))
    show.stream.forget()
    show.play(key(20_000))
    assert show.stream.key_interval_ms is None


def test_a_source_that_is_back_repeats_nothing_to_viewers() -> None:
    """It begins with headers and pictures that they have had, and then comes to what is new."""
    show = Show(META, *HEADERS, key(0), sound(10), inter(40))
    _, reader = show.watch()
    reader.read()
    show.stream.resume()
    show.now_s += 3
    again = [message._replace(timestamp_ms=0) for message in HEADERS]
    show.play(META, *again, key(0), sound(10), inter(40))
    assert reader.read() == []
    assert show.stream.media_s == 100.0
    show.play(sound(45), inter(80), inter(40))
    assert reader.read() == [sound(45), inter(80), inter(40)]
    assert show.stream.media_s == 103.0


def test_a_source_that_is_back_with_other_headers_passes_them_on() -> None:
    show = Show(META, *HEADERS, key(0))
    _, reader = show.watch()
    reader.read()
    show.stream.resume()
    other = [metadata(width=320), header(MessageKind.VIDEO, VIDEO_HEADER + b"other"), key(0, b"o")]
    show.play(*other)
    assert reader.read() == other


def test_a_slow_viewer_goes_on_at_a_key_frame_and_delays_nobody() -> None:
    show = Show(META, *HEADERS, key(0))
    slow, slow_reader = show.watch()
    _, reader = show.watch()
    slow_reader.read()
    reader.read()
    slow_reader.is_slow = True
    large = bytes(QUEUE_BYTES_MIN // 2 + 1)
    show.play(inter(40, large))
    show.play(inter(80, large))
    assert slow.is_behind
    assert slow.dropped_batches == show.stream.dropped_batches == 1
    assert reader.read() == [inter(40, large), inter(80, large)]
    show.play(key(2000))  # not read yet: it stays behind
    assert slow_reader.read() == [inter(40, large)]
    show.play(inter(2040))
    assert slow_reader.read() == []
    show.play(inter(3960), key(4000), inter(4040))
    dated = [message._replace(timestamp_ms=4000) for message in HEADERS]
    assert slow_reader.read() == [META, *dated, key(4000), inter(4040)]
    assert not slow.is_behind
    assert slow.dropped_batches == show.stream.dropped_batches == 3


def test_a_slow_viewer_waits_for_a_key_frame_also_where_none_is_kept() -> None:
    """It has lost pictures that the next ones need."""
    show = Show(META, *HEADERS, key(0), inter(GOP_MS_MAX + 10))
    slow, reader = show.watch()
    large = bytes(QUEUE_BYTES_MIN // 2 + 1)
    reader.is_slow = True
    show.play(inter(GOP_MS_MAX + 40, large))
    show.play(inter(GOP_MS_MAX + 80, large))
    assert slow.is_behind
    assert reader.read()[-1] == inter(GOP_MS_MAX + 40, large)
    show.play(inter(GOP_MS_MAX + 120))
    assert (slow.is_behind, reader.read()) == (True, [])


def test_a_batch_beyond_the_bound_goes_to_whoever_has_read_all() -> None:
    """A key frame of a large picture would else never be shown."""
    show = Show(key(0))
    _, reader = show.watch()
    reader.read()
    large = key(40, bytes(QUEUE_BYTES_MIN + 1))
    show.play(large)
    assert reader.read() == [large]


def test_a_first_burst_beyond_the_bound_may_be_taken_off_in_peace() -> None:
    """A far-away viewer would else see the first pictures, and then none up to the next key."""
    large = bytes(QUEUE_BYTES_MIN)
    show = Show(key(0), inter(40, large), inter(80, large))
    viewer, reader = show.watch()
    reader.is_slow = True
    show.play(inter(120))
    assert reader.read()[-2:] == [inter(80, large), inter(120)]
    show.play(inter(160))
    show.play(inter(200, large))
    assert viewer.is_behind, "the burst is over: the bound holds again"


def test_a_first_burst_that_is_never_taken_off_is_bounded() -> None:
    show = Show(key(0), inter(40, bytes(2 * QUEUE_BYTES_MIN)))
    viewer, reader = show.watch()
    reader.is_slow = True
    show.play(inter(80, bytes(QUEUE_BYTES_MIN)))
    assert viewer.is_behind


def test_a_viewer_that_stays_behind_is_lost() -> None:
    show = Show(key(0))
    slow, reader = show.watch()
    reader.is_slow = True
    show.play(inter(40, bytes(QUEUE_BYTES_MIN)))
    assert not slow.is_lost(show.now_s + BEHIND_S_MAX)
    assert slow.is_lost(show.now_s + BEHIND_S_MAX + 1)


@pytest.mark.parametrize(
    ("bytes_per_s", "bound"),
    [
        (0.0, QUEUE_BYTES_MIN),
        (75_000.0, 75_000 * QUEUE_S_MAX),
        (10_000_000.0, QUEUE_BYTES_MAX),
    ],
)
def test_a_queue_s_bound_is_some_seconds_within_limits(bytes_per_s: float, bound: int) -> None:
    assert queue_bound(bytes_per_s) == bound


def test_the_bound_follows_the_stream_s_rate() -> None:
    show = Show(key(0))
    slow, reader = show.watch()
    for second in range(int(RATE_S) + 1):
        reader.read()
        show.now_s = 100.0 + second
        show.play(inter(second * 1000, bytes(200_000)))
    reader.is_slow = True
    show.play(inter(9000, bytes(500_000)))
    assert not slow.is_behind


def test_bytes_are_counted_in_and_out() -> None:
    show = Show(key(0))
    assert show.stream.bytes_in == len(key(0).body)
    viewer, _ = show.watch()
    one = show.stream.bytes_out
    assert one == viewer.sent_bytes > len(key(0).body)
    show.watch()
    show.play(inter(40))
    assert show.stream.bytes_out > 2 * one + 2 * len(inter(40).body)
    show.stream.leave(viewer)
    assert show.stream.viewers != {viewer}
    assert len(show.stream.viewers) == 1


def test_viewers_of_a_stream_that_pauses_are_pinged() -> None:
    show = Show(key(0))
    viewer, reader = show.watch()
    reader.read()
    show.stream.ping_if_silent(show.now_s + SILENT_S)
    assert reader.read() == []
    sent_bytes = viewer.sent_bytes
    show.stream.ping_if_silent(show.now_s + SILENT_S + 1)
    assert reader.read() == [user_control(UserControl.PING_REQUEST, bytes(4))]
    reader.is_slow = True
    show.play(inter(40))
    show.stream.ping_if_silent(show.now_s + SILENT_S + 1)
    assert reader.read() == [inter(40)]
    assert viewer.sent_bytes > sent_bytes


def test_newcomers_share_one_copy_of_the_pictures() -> None:
    """A thousand that come and never read would else be a thousand copies of megabytes."""
    show = Show(*HEADERS, key(0, bytes(5000)), inter(40))
    _, first = show.watch()
    show.play(inter(80))
    _, second = show.watch()
    assert sum(map(len, first.parts)) > 5000
    assert set(map(id, first.parts)) < set(map(id, second.parts))
