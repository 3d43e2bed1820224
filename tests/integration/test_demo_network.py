"""Where a demo puts its files, and how two of them keep apart."""

import contextlib
import os
import re
from pathlib import Path

import pytest

from emulator.demo import cast, network
from emulator.demo.network import StartError, made_scratch, opened
from emulator.demo.options import Options
from emulator.processes.ports import Ports, PortTakenError
from emulator.processes.supervisor import Death
from tests.ports import free_port

LONGEST_SOCKET = 107
"""Bytes of a Unix socket's name on Linux."""


@pytest.mark.parametrize("name", ["with space", "odd $;'{} name", "ü", "long" * 30])
def test_files_go_elsewhere_when_the_users_folder_has_a_difficult_name(
    tmp_path: Path, name: str
) -> None:
    """Configurations of nginx and names of Unix sockets would break on it."""
    asked = tmp_path / name
    asked.mkdir()
    scratch = made_scratch(str(asked))
    scratch.rmdir()
    assert re.fullmatch(r"[A-Za-z0-9/._-]+", str(scratch))
    assert len(os.fsencode(scratch / "control-good" / "hooks.sock")) < LONGEST_SOCKET
    assert list(asked.iterdir()) == []


def test_a_plain_folder_of_the_users_is_used() -> None:
    home = made_scratch("/tmp")
    inside = made_scratch(str(home))
    assert inside.parent == home
    inside.rmdir()
    home.rmdir()


def test_a_machine_without_any_good_place_says_what_to_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(network, "SCRATCH_BASES", ())
    with pytest.raises(StartError, match="set TMPDIR to one"):
        made_scratch("/tmp/a b")


def _ignore(_: Death | str) -> None:
    """For what nobody reads here."""


def test_a_cast_has_its_controls_last() -> None:
    ports = Ports()
    with contextlib.closing(ports):
        members = cast.members_for(ports, 2, ("dead", "loop", "dead"), controls=True)
        without = cast.members_for(ports, 1, (), controls=False)
    names = ["node-1", "node-2", "dead-1", "loop-1", "dead-2", "control-good", "control-bad"]
    assert [member.name for member in members] == names
    assert [member.name for member in without] == ["node-1"]
    assert len({member.node_id for member in members}) == 7


async def test_two_demos_at_once_share_nothing(tmp_path: Path) -> None:
    """The second on the same port is refused, and the files of the first stay."""
    one = Options(port=free_port(), folder=tmp_path / "one")
    two = Options(port=free_port(), folder=tmp_path / "two")
    async with opened(one, _ignore, _ignore) as first:
        (tmp_path / "one" / "logs" / "api.log").touch()
        with pytest.raises(PortTakenError, match=f"port {one.port} is promised to another demo"):
            async with opened(one, _ignore, _ignore):
                pass
        assert (tmp_path / "one" / "logs" / "api.log").exists()
        async with opened(two, _ignore, _ignore) as second:
            assert not set(first.stage.ports.values()) & set(second.stage.ports.values())
            assert not _ports(first) & _ports(second)
            assert first.stage.scratch != second.stage.scratch


def _ports(demo: network.LocalNetwork) -> set[int]:
    return {port for one in demo.members for port in (one.rtmp_port, one.stats_port)}
