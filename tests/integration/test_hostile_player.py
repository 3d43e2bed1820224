"""Whatever an RTMP server does to the agent's player: it ends in time, with a sentence or media."""

import asyncio

from agent.player import Played, PlayError, play
from rtmp.addresses import RtmpAddress
from tests.integration.hostile_servers import KINDS, Kind, fuzzed, serving
from tests.ports import free_port

PLAY_S, PLAY_S_MAX = 0.2, 1.0
HANG_S = 30.0
"""Far beyond any play: one that takes so long would never have ended."""
MEDIA = {
    "packets_of_no_bytes",
    "an_impossible_picture",
    "every_codec_there_is",
    "endless_sound_of_noise",
    "timestamps_at_random",
    "drips_the_media",
}
"""The kinds that serve pictures or sound, of whatever worth, if they come to it in time."""


async def outcome(misbehave: Kind, seed: int = 0, seconds_max: float = PLAY_S_MAX) -> str | Played:
    """What came, or the sentence; any other error is the test's end."""
    async with serving(misbehave, free_port(), seed) as port:
        try:
            return await play(RtmpAddress("127.0.0.1", port, "live", "show"), PLAY_S, seconds_max)
        except PlayError as error:
            return str(error)


async def test_every_hostile_server_ends_in_a_sentence() -> None:
    """All at once; only a server of media is taken for one, and no sentence has a second line."""
    async with asyncio.timeout(HANG_S):
        outcomes = await asyncio.gather(*(outcome(kind) for kind in KINDS.values()))
    said = dict(zip(KINDS, outcomes, strict=True))
    assert {name for name, how in said.items() if isinstance(how, Played)} <= MEDIA
    sentences = [how for how in said.values() if isinstance(how, str)]
    assert all(sentence.isprintable() for sentence in sentences)
    assert not [sentence for sentence in sentences if "()" in sentence]


async def test_what_plays_is_counted_whatever_it_is() -> None:
    """No codec is looked into: noise is sound."""
    async with asyncio.timeout(HANG_S):
        played = await outcome(KINDS["endless_sound_of_noise"], seconds_max=HANG_S)
    assert isinstance(played, Played)
    assert (played.video, played.audio > 100) == (0, True)


async def test_a_session_with_changed_bytes_ends_in_time() -> None:
    """Bytes changed at random, the same ones for a seed."""
    async with asyncio.timeout(HANG_S):
        outcomes = await asyncio.gather(*(outcome(fuzzed, seed) for seed in range(10)))
    assert all(isinstance(how, Played) or how.isprintable() for how in outcomes)
