"""What people are shown: in lines here, since a terminal shows the same."""

from typing import Any

from emulator.demo.cast import Member
from emulator.demo.network import View
from emulator.demo.public_api import PublicNode
from emulator.demo.table import death_lines, lines_of
from emulator.processes.supervisor import Death

MEMBERS = (Member("node-1", "honest", 2, 3), Member("dead-1", "dead", 5, 7))
N1 = MEMBERS[0].node_id


def _node(node_id: str, **fields: Any) -> PublicNode:
    told = {"node_id": node_id, "stream_id": "s", "status": "healthy", "reason": "ok"}
    return PublicNode.model_validate({**told, **fields})


def _view(*nodes: PublicNode) -> View:
    return View(at_s=13.0, stream=None, nodes={node.node_id: node for node in nodes}, trouble=())


def test_a_line_shows_status_why_minutes_checks_and_tokens() -> None:
    node = _node(
        N1,
        says="All is well.",
        fix="Nothing.",
        minutes_up=11,
        minutes_due=13,
        checks_passed=5,
        checks_failed=2,
        earned="1.25",
    )
    line = lines_of(MEMBERS, _view(node))[0]
    assert (line.name, line.kind, line.status) == ("node-1", "honest", "healthy")
    assert line.why == "All is well. Nothing."
    assert (line.minutes, line.checks, line.earned) == ("11/13", "5/2", "1.25")


def test_members_that_the_api_does_not_know_yet_are_starting() -> None:
    lines = lines_of(MEMBERS, None)
    assert [line.status for line in lines] == ["starting", "starting"]
    assert lines[0].earned == "-"


def test_a_node_that_somebody_else_has_started_is_a_guest() -> None:
    lines = lines_of(MEMBERS, _view(_node(N1), _node("n23")))
    assert [(line.name, line.kind) for line in lines] == [
        ("node-1", "honest"),
        ("dead-1", "dead"),
        ("n23", "guest"),
    ]


def test_a_control_node_is_shown_as_one() -> None:
    """What it says of itself, that it is well, would mislead about the bad one."""
    bad = Member("control-bad", "control-bad", 2, 3)
    (line,) = lines_of([bad], _view(_node(bad.node_id, says="All is well.")))
    assert line.status == "control"
    assert line.why == "Known to be bad: it checks the checking, and is not paid."


def test_a_death_is_told_with_how_it_came_and_the_last_output() -> None:
    killed = Death("prober", 41, -9, 1_795_359_845.0, ("one", "two"))
    lines = list(death_lines(killed))
    assert lines[0].startswith("prober (pid 41) was killed by SIGKILL at ")
    assert lines[1:] == ["  prober| one", "  prober| two"]
    assert str(Death("api", 43, 3, 1.0, ())) == "api (pid 43) exited with 3"
