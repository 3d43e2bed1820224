"""Notices: which is due, what it says, what is remembered, and that a flapping node sends few."""

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from agent.client.heartbeats import CoordinatorView
from agent.notices import record
from agent.notices.kinds import NoticeKind
from agent.notices.rules import (
    AWAY_S_MAX,
    DAY_S,
    QUIET_S,
    Level,
    Seen,
    ToldNotices,
    after,
    due,
    see,
    settled,
)
from agent.notices.wording import Facts, trial, word
from agent.versions import UPDATE
from tests.unit.agent.told import AGENT, ANSWER, RELAY, STREAM

NOW_S = 1_790_000_000.0
MINUTE_S = 60.0
BAD = replace(ANSWER, status="unhealthy", reason="down", says="It is closed.", fix="Forward it.")
URL = "https://coordinator.example.org"
# An operator who knows that all is well, in the middle of a day.
CALM = ToldNotices(is_first_check_over=True, summary_s=NOW_S, earned="11")


def seen_as(status: str, earned: str = "12.25") -> Seen:
    """What a status means."""
    return see(CoordinatorView(replace(ANSWER, status=status, earned=earned), ""), 0.0)


def tell(told: ToldNotices, seen: Seen, now_s: float) -> tuple[NoticeKind | None, ToldNotices]:
    """One look: the notice, if any, and what the operator knows then."""
    told = settled(told, seen, now_s)
    kind = due(told, seen, now_s)
    return kind, after(told, kind, seen, now_s) if kind else told


def notices(
    told: ToldNotices, looks: Iterator[tuple[float, Seen]]
) -> list[tuple[float, NoticeKind]]:
    """All notices of a series of looks, with the seconds since its start."""
    found = []
    for at_s, seen in looks:
        kind, told = tell(told, seen, NOW_S + at_s)
        if kind is not None:
            found.append((at_s, kind))
    return found


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("unhealthy", NoticeKind.UNHEALTHY),
        ("offline", NoticeKind.UNHEALTHY),
        ("flagged", NoticeKind.FLAGGED),
        ("suspended", NoticeKind.SUSPENDED),
        ("fraud", NoticeKind.FRAUD),
        ("healthy", None),
        ("idle", None),
        ("pending", None),
        ("left", None),
        ("something-new", None),
    ],
)
def test_a_bad_status_is_told_at_once_and_only_once(status: str, kind: NoticeKind | None) -> None:
    """Waiting and idling are no trouble, and what is not known is not judged."""
    first, told = tell(CALM, seen_as(status), NOW_S)
    assert first is kind
    assert tell(told, seen_as(status), NOW_S + MINUTE_S)[0] is None


def test_each_newer_version_is_told_once() -> None:
    """With the command that updates; a trouble is told before it."""
    old = CoordinatorView(replace(ANSWER, told=replace(ANSWER.told, newest_agent="9.1.0")), "")
    kind, told = tell(CALM, see(old, 0.0), NOW_S)
    assert kind is NoticeKind.OLD_VERSION
    assert tell(told, see(old, 0.0), NOW_S + MINUTE_S)[0] is None
    newer = replace(ANSWER, told=replace(ANSWER.told, newest_agent="9.2.0"))
    assert tell(told, see(CoordinatorView(newer, ""), 0.0), NOW_S)[0] is NoticeKind.OLD_VERSION
    down = replace(newer, status="unhealthy")
    assert tell(CALM, see(CoordinatorView(down, ""), 0.0), NOW_S)[0] is NoticeKind.UNHEALTHY
    facts = Facts(URL, old, AGENT, RELAY, STREAM)
    notice = word(NoticeKind.OLD_VERSION, facts, "")
    assert "9.1.0 is the newest" in notice.body
    assert UPDATE in notice.body


def test_its_end_is_told_at_once_too() -> None:
    """Whatever waits in between says nothing."""
    _, told = tell(CALM, seen_as("unhealthy"), NOW_S)
    kind, told = tell(told, seen_as("pending"), NOW_S + MINUTE_S)
    assert kind is None
    assert tell(told, seen_as("idle"), NOW_S + 2 * MINUTE_S)[0] is NoticeKind.CLEARED


def test_a_node_that_flaps_all_day_sends_few_notices() -> None:
    """A change every minute, 1,440 of them."""
    names = ("unhealthy", "healthy")
    day = range(int(DAY_S / MINUTE_S))
    sent = notices(CALM, ((i * MINUTE_S, seen_as(names[i % 2])) for i in day))
    changes = [at_s for at_s, kind in sent if kind is not NoticeKind.SUMMARY]
    assert 4 <= len(changes) <= 9
    waits = [then - at for at, then in pairwise(changes[1:])]
    assert min(waits) >= 1800
    assert max(waits) < 21_600 + 2 * MINUTE_S


def test_what_is_over_before_the_wait_is_over_is_never_told() -> None:
    """The operator knows already how it is."""
    _, told = tell(CALM, seen_as("unhealthy"), NOW_S)
    _, told = tell(told, seen_as("healthy"), NOW_S + 60)
    kind, told = tell(told, seen_as("unhealthy"), NOW_S + 120)
    assert kind is None
    assert tell(told, seen_as("healthy"), NOW_S + 1800 + 61)[0] is None
    assert tell(told, seen_as("unhealthy"), NOW_S + 1800 + 61)[0] is NoticeKind.UNHEALTHY


def test_something_worse_does_not_wait() -> None:
    """But it does so once: afterwards it is nothing worse."""
    _, told = tell(CALM, seen_as("unhealthy"), NOW_S)
    _, told = tell(told, seen_as("healthy"), NOW_S + 60)
    kind, told = tell(told, seen_as("flagged"), NOW_S + 120)
    assert kind is NoticeKind.FLAGGED
    kind, told = tell(told, seen_as("healthy"), NOW_S + 180)
    assert kind is None
    kind, told = tell(told, seen_as("fraud"), NOW_S + 240)
    assert kind is NoticeKind.FRAUD


def test_after_a_quiet_time_trouble_is_told_at_once_again() -> None:
    """As on the first day."""
    told = replace(CALM, in_row=7, worst=Level.FLAGGED, at_s=NOW_S - QUIET_S)
    kind, told = tell(told, seen_as("unhealthy"), NOW_S)
    assert (kind, told.in_row, told.worst) == (NoticeKind.UNHEALTHY, 1, Level.UNHEALTHY)


def test_a_clock_that_was_put_back_silences_nobody() -> None:
    """By years, as on a machine without a battery; by a second it hurts nothing either."""
    told = replace(CALM, in_row=7, worst=Level.FRAUD, at_s=NOW_S + 100 * DAY_S)
    assert tell(told, seen_as("unhealthy"), NOW_S)[0] is NoticeKind.UNHEALTHY
    told = replace(told, at_s=NOW_S + 1)
    assert tell(told, seen_as("unhealthy"), NOW_S)[0] is None


def test_the_first_passed_check_is_told_once() -> None:
    """From then on minutes are paid."""
    told = ToldNotices()
    for status, reason in (("healthy", "unproven"), ("unhealthy", "check_failed")):
        answer = replace(ANSWER, status=status, reason=reason, earned="0")
        unproven = see(CoordinatorView(answer, ""), 0.0)
        kind, told = tell(told, unproven, NOW_S)
        assert kind is None
    kind, told = tell(told, seen_as("healthy", "0"), NOW_S + 60)
    assert kind is NoticeKind.FIRST_CHECK
    assert tell(told, seen_as("healthy", "0"), NOW_S + 120)[0] is None


def test_a_node_that_earned_before_anybody_asked_for_notices_is_not_new() -> None:
    """Its first passed check is history."""
    kind, told = tell(ToldNotices(), seen_as("healthy", "0.000001"), NOW_S)
    assert (kind, told.is_first_check_over) == (None, True)


def test_a_summary_comes_once_a_day_from_the_first_answer_on() -> None:
    """Nothing is summed up before there was a day."""
    hours = ((hour * 3600.0, seen_as("idle")) for hour in range(73))
    sent = notices(ToldNotices(), hours)
    assert sent == [(at_s * 3600.0, NoticeKind.SUMMARY) for at_s in (24, 48, 72)]


def test_a_coordinator_that_stays_away_is_trouble_and_no_stream_is_none() -> None:
    """A moment's absence is nothing that an operator can repair."""
    away = CoordinatorView(ANSWER, "It cannot be asked.")
    assert see(away, AWAY_S_MAX - 1).level is None
    assert see(away, AWAY_S_MAX).level is Level.UNHEALTHY
    assert see(CoordinatorView(None, "No stream.", is_waiting=True), 2 * AWAY_S_MAX).level is None
    assert see(CoordinatorView(), AWAY_S_MAX).level is Level.UNHEALTHY


def test_a_notice_says_what_is_so_and_what_to_do() -> None:
    """Of which node, and of which stream."""
    notice = word(
        NoticeKind.UNHEALTHY, Facts(URL, CoordinatorView(BAD, ""), AGENT, RELAY, STREAM), ""
    )
    assert notice.title == "Node n4w7d2: unhealthy"
    assert notice.body.splitlines() == [
        "It is closed.",
        "What to do: Forward it.",
        "Stream: k3v9m2x7q4ab",
        f"{URL}/n/n4w7d2",
    ]
    away = Facts(URL, CoordinatorView(ANSWER, "It cannot be asked."), AGENT, RELAY, STREAM)
    assert word(NoticeKind.UNHEALTHY, away, "").body.startswith("It cannot be asked.\n")


def test_a_relay_that_does_not_run_is_told_in_place_of_what_it_looks_like_from_outside() -> None:
    """A taken port looks closed: to forward it would repair nothing."""
    ailing = Facts(
        URL, CoordinatorView(ANSWER, ""), AGENT, RELAY, STREAM, "Stop what uses the port."
    )
    body = word(NoticeKind.UNHEALTHY, ailing, "").body
    assert body.startswith("Stop what uses the port.\n")
    assert ANSWER.says not in body


def test_a_summary_counts_what_was_earned_since_the_last() -> None:
    """Exactly; an amount that is none is passed on as it is."""
    facts = Facts(URL, CoordinatorView(ANSWER, ""), AGENT, RELAY, STREAM)
    assert (
        "Earned: 12.25 tokens, +1.15 since the last summary"
        in word(NoticeKind.SUMMARY, facts, "11.1").body
    )
    assert "Sent since the relay's start: 7.1 MB" in word(NoticeKind.SUMMARY, facts, "11.1").body
    odd = Facts(URL, CoordinatorView(replace(ANSWER, earned="much"), ""), AGENT, RELAY, STREAM)
    assert "Earned: much tokens\n" in word(NoticeKind.SUMMARY, odd, "").body


def test_every_kind_has_words() -> None:
    """Also the one that only tests the way."""
    facts = Facts(URL, CoordinatorView(ANSWER, ""), AGENT, RELAY, STREAM)
    titles = {word(kind, facts, "").title for kind in NoticeKind if kind is not NoticeKind.TEST}
    assert len(titles | {trial().title}) == len(NoticeKind)


def test_what_was_told_is_remembered(tmp_path: Path) -> None:
    """Beside the key; a record that cannot be understood is as none."""
    told = ToldNotices(Level.FLAGGED, Level.FRAUD, 3, NOW_S, True, NOW_S - 5, "1.5", "0.2.0")
    assert record.load(tmp_path) == ToldNotices()
    record.save(tmp_path, told)
    assert record.load(tmp_path) == told
    for wrong in ("", "[]", "{}", json.dumps({**vars(told), "level": 17})):
        (tmp_path / record.FILE).write_text(wrong)
        assert record.load(tmp_path) == ToldNotices()


def test_a_folder_that_cannot_be_written_costs_the_memory_alone(tmp_path: Path) -> None:
    """The notice was delivered all the same."""
    record.save(tmp_path / "missing", CALM)
    assert record.load(tmp_path / "missing") == ToldNotices()
