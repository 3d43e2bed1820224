"""Who somebody is follows from a key that only they hold."""

import base64
import hashlib

from coordinator.keys import matches, node_id_of, sha256_hex, shard_of, stream_id_of, stream_key_of

PUBLIC_KEY = bytes(range(32))


def test_a_node_id_is_derived_from_its_key() -> None:
    """As docs/architecture.md says, so that the agent can do the same."""
    digest = base64.b32encode(hashlib.sha256(PUBLIC_KEY).digest()).decode().lower()
    assert node_id_of(PUBLIC_KEY) == "n" + digest[:19]


def test_only_the_right_secret_matches_its_hash() -> None:
    """The hash alone is stored."""
    assert matches("a-sponsor-key", sha256_hex("a-sponsor-key"))
    assert not matches("another-key", sha256_hex("a-sponsor-key"))


def test_a_stream_key_needs_the_sponsor_key() -> None:
    """Another sponsor, or another stream, makes another key."""
    keys = {stream_key_of(sponsor, stream) for sponsor in ("p", "q") for stream in ("r", "s")}
    assert len(keys) == 4


def test_a_repeated_seed_names_the_same_stream() -> None:
    """That is what makes a registration repeatable."""
    assert stream_id_of(b"seed") == stream_id_of(b"seed") != stream_id_of(b"seed2")


def test_every_shard_gets_its_share() -> None:
    """Ten thousand ids over seven shards: none is empty or twice as full as fair."""
    counts = [0] * 7
    for i in range(10_000):
        counts[shard_of(f"n{i}", 7)] += 1
    assert min(counts) > 1_200
    assert max(counts) < 1_700
