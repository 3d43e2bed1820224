"""Cheats must look right from outside: otherwise they test nothing."""

import importlib.util
import json
import secrets
from dataclasses import replace

from coordinator import keys
from coordinator.strangers.relay_stats import RelayStats, parse_stats
from emulator.cheats import PROGRAMS
from emulator.cheats import false_claims as claims
from emulator.cheats.false_claims import FalseClaims, Setup
from tests.signing import key_of, node_id_of, public_key

KEY = key_of(7)
SETUP = Setup("http://127.0.0.1:9", "k3v9m2x7q4ab", "127.0.0.1", 2, 3, KEY)
BORN_S = 1_795_359_845.0


def test_a_cheats_id_is_the_one_the_coordinator_derives() -> None:
    for key in (KEY, secrets.token_urlsafe(32)):
        assert claims.node_id_of(key) == node_id_of(key) == keys.node_id_of(public_key(key))


def test_a_cheats_statistics_are_those_of_a_lively_node() -> None:
    cheat = FalseClaims(SETUP, BORN_S, viewers=7)
    early, late = (_told(cheat, BORN_S + age_s) for age_s in (11.0, 13.0))
    for stats in (early, late):
        assert stats.media == "live"
        assert stats.node_id == node_id_of(KEY)
        assert stats.viewers == 7
    assert (early.bytes_in or 0) < (late.bytes_in or 0)
    assert (early.bytes_out or 0) < (late.bytes_out or 0)


def test_every_cheat_has_a_program() -> None:
    for module, *_ in PROGRAMS.values():
        assert importlib.util.find_spec(module) is not None


def test_a_cheat_takes_an_honest_nodes_environment_and_a_new_key_each_time() -> None:
    environ = {
        "COORDINATOR_URL": "http://127.0.0.1:9/",
        "STREAM_ID": "k3v9m2x7q4ab",
        "BIND_ADDRESS": "127.0.0.1",
        "RTMP_PORT": "2",
        "STATS_PORT": "3",
    }
    first, second = Setup.from_env(environ), Setup.from_env(environ)
    assert replace(first, key=KEY) == SETUP
    assert first.key != second.key


def _told(cheat: FalseClaims, now_s: float) -> RelayStats:
    return parse_stats(json.dumps(cheat.stats(now_s)).encode(), SETUP.stream_id)
