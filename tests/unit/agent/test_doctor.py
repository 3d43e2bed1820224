"""The doctor's rules: what is a problem, which one decides, and what to do about it."""

import ipaddress
from pathlib import Path

import pytest

from agent.client.answers import NotUnderstoodError
from agent.client.dial_back import DialBackReport, Port, parse_dial_back
from agent.doctor.findings import FindingKind, FindingState, conclusion, ok, problem, unknown
from agent.doctor.inside import judge_upload
from agent.doctor.outside import check_carrier, check_clock, check_ports, check_version
from agent.doctor.own_ipv6 import own_ipv6
from agent.doctor.routers import carrier_router
from agent.settings import AgentSettings
from agent.versions import UPDATE

SETTINGS = AgentSettings.from_env(
    {"COORDINATOR_URL": "https://api.example.org", "STREAM_ID": "s3", "PUBLIC_RTMP_PORT": "2003"}
)
OPEN, CLOSED = Port(True, "It answers."), Port(False, "Nothing accepts connections.")


def test_the_first_problem_decides_and_what_is_unknown_does_not() -> None:
    """Others may follow from it."""
    findings = [
        ok(FindingKind.COORDINATOR, "a"),
        unknown(FindingKind.CLOCK, "b"),
        problem(FindingKind.PORTS, "c", "Free the port."),
        problem(FindingKind.OUTSIDE, "d", "Forward it."),
    ]
    assert conclusion(findings) == ("Fix: Free the port.", 14)
    assert conclusion(findings[:2])[1] == 0
    old = check_version("9.1.0")
    assert conclusion([old, *findings])[1] == 14
    assert conclusion([old, *findings[:2]]) == (f"Fix: {old.fix}", 21)


def test_every_kind_has_a_code_that_no_other_exit_has() -> None:
    """0, 1 and 2 are the agent's own, 64 and above belong to others."""
    assert all(3 <= int(kind) <= 63 for kind in FindingKind)


@pytest.mark.parametrize(
    ("off_s", "state"),
    [
        (0.0, FindingState.OK),
        (59.0, FindingState.OK),
        (-61.0, FindingState.PROBLEM),
        (3600.0, FindingState.PROBLEM),
    ],
)
def test_a_clock_may_be_off_by_a_minute(off_s: float, state: FindingState) -> None:
    """The Date header has whole seconds, and the answer was under way."""
    assert check_clock(1_790_000_000.0 + off_s, 1_790_000_000.0).state is state


def test_a_coordinator_without_a_clock_is_nobody_s_fault() -> None:
    """Nothing can be said then."""
    assert check_clock(1.0, None).state is FindingState.UNKNOWN


def test_a_carrier_s_network_is_told_from_a_home_s() -> None:
    """100.64.0.0/10 is reserved for carriers; 192.168 and 10 are routers of one's own."""
    assert carrier_router(["192.168.1.1", "100.71.0.1", "203.0.113.1"]) == "100.71.0.1"
    assert carrier_router(["192.168.1.1", "10.0.0.1", "100.63.0.1", "100.128.0.1"]) == ""


IPV6 = "2a00:1450:4001:0:5054:ff:fe12:3456"


def _line(address: str, flags: int) -> str:
    """Of the kernel's list."""
    return f"{ipaddress.IPv6Address(address).exploded.replace(':', '')} 02 40 00 {flags:02x} eth0\n"


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ("", ""),
        (_line("::1", 0x80) + _line("fe80::1", 0x80) + _line("fd00::2", 0x80), ""),
        (_line("2001:db8::7", 0x80), ""),
        (_line("2a00:1450::9", 0x01) + _line(IPV6, 0x80), IPV6),
        (_line(IPV6, 0x20), ""),
        ("nonsense\n" + _line(IPV6, 0x80), IPV6),
        ("zz 02 40 00 zz eth0\n", ""),
    ],
    ids=["none", "local", "reserved", "a temporary one first", "deprecated", "short line", "bad"],
)
def test_an_ipv6_address_that_lasts_is_found(tmp_path: Path, lines: str, found: str) -> None:
    """A temporary one is another tomorrow."""
    path = tmp_path / "if_inet6"
    path.write_text(lines)
    assert own_ipv6(path) == found
    assert own_ipv6(tmp_path / "missing") == ""


def test_a_carrier_s_nat_is_a_problem_only_while_the_ports_are_closed() -> None:
    """Some carriers give a public address behind such routers all the same."""
    route = ["192.168.1.1", "100.71.0.1"]
    assert check_carrier("203.0.113.7", route, is_open=False).kind is FindingKind.CARRIER
    assert check_carrier("203.0.113.7", route, is_open=False).state is FindingState.PROBLEM
    assert check_carrier("203.0.113.7", route, is_open=True).state is FindingState.OK
    assert check_carrier("100.71.3.5", [], is_open=False).state is FindingState.PROBLEM
    assert check_carrier("", [], is_open=False).state is FindingState.OK


def test_the_rule_to_set_in_the_router_is_said_with_both_ports() -> None:
    """The announced port may not be the local one."""
    finding = check_ports(SETTINGS, DialBackReport("203.0.113.7", OPEN, CLOSED))
    assert "forward TCP 2003 (which has to end at the node's 1935) to this" in finding.fix
    assert "8080" not in finding.fix
    both = check_ports(SETTINGS, DialBackReport("203.0.113.7", CLOSED, CLOSED))
    assert "TCP 8080 and TCP 2003 (which has to end at the node's 1935) to this" in both.fix
    assert check_ports(SETTINGS, DialBackReport("203.0.113.7", OPEN, OPEN)).state is FindingState.OK


def test_an_old_agent_is_told_the_command_that_updates() -> None:
    """A coordinator that says nothing, or an older one, makes no agent old."""
    old = check_version("9.1.0")
    assert (old.state, old.kind) == (FindingState.PROBLEM, FindingKind.VERSION)
    assert UPDATE in old.fix
    assert "9.1.0 is the newest" in old.says
    for newest in ("", "0.0.1", "newer"):
        assert check_version(newest).state is FindingState.OK


def test_an_upload_is_judged_by_what_the_stream_needs() -> None:
    """Unmeasured is unknown; without a live stream there is nothing to need."""
    assert judge_upload(None, 3e6).state is FindingState.UNKNOWN
    assert judge_upload(2e6, 3e6).state is FindingState.PROBLEM
    assert judge_upload(5e6, 3e6).state is FindingState.OK
    assert judge_upload(1e5, 0.0).state is FindingState.OK


def test_a_dial_back_is_read_and_anything_else_refused() -> None:
    """Both ports say whether they are open, and in a sentence how they were found."""
    body = {
        "address": "203.0.113.7",
        "stats": {"open": True, "says": "It answers."},
        "rtmp": {"open": False, "says": "Nothing accepts connections."},
    }
    assert parse_dial_back(body) == DialBackReport("203.0.113.7", OPEN, CLOSED)
    assert parse_dial_back({**body, "newest_agent": "9" * 99}).newest_agent == "9" * 40
    assert parse_dial_back({**body, "newest_agent": 7}).newest_agent == ""
    for wrong in (None, {}, {**body, "stats": True}, {**body, "rtmp": {"open": 1, "says": "x"}}):
        with pytest.raises(NotUnderstoodError):
            parse_dial_back(wrong)
