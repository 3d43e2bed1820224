"""What a user can choose, and what is refused with a sentence."""

import pytest

from emulator.demo.options import BUILD, Options, OptionsError


def test_three_honest_nodes_and_two_cheats_are_the_default() -> None:
    options = Options.from_env({})
    assert options == Options()
    assert (options.port, options.nodes, options.cheats) == (8080, 3, ("dead", "loop"))
    assert options.folder == BUILD / "demo"


def test_empty_variables_mean_the_default() -> None:
    assert Options.from_env({"PORT": "", "NODES": "", "CHEATS": ""}) == Options()


def test_demos_on_different_ports_keep_apart() -> None:
    options = Options.from_env({"PORT": "8081", "NODES": "5", "CHEATS": "loop, loop"})
    assert options.folder == BUILD / "demo-8081"
    assert (options.nodes, options.cheats) == (5, ("loop", "loop"))


def test_a_demo_may_do_without_cheats() -> None:
    assert Options.from_env({"CHEATS": "none"}).cheats == ()


def test_nodes_may_have_several_engines() -> None:
    assert Options.from_env({}).engines == ("restream",)
    assert Options.from_env({"ENGINE": "restream, rtmp_relay"}).engines == (
        "restream",
        "rtmp_relay",
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "http"),
        ("NODES", "-1"),
        ("NODES", "51"),
        ("NODES", "٣"),
        ("CHEATS", "ghost"),
        ("CHEATS", "dead,"),
        ("CHEATS", ",".join(["dead"] * 21)),
        ("ENGINE", "nginx"),
        ("ENGINE", "restream,"),
    ],
)
def test_a_wrong_value_is_named_with_its_variable(name: str, value: str) -> None:
    with pytest.raises(OptionsError, match=name):
        Options.from_env({name: value})
