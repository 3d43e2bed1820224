"""The relay's lines: passed on once a minute, and without keys."""

from agent.relay.engine_log import LineFolder

ASKED = (
    "2026/11/22 15:07:2{} [error] 7#7: *{} live: stream not found, client: 192.0.2.{}, server: x"
)


def test_a_line_that_says_the_same_is_held_back_and_counted() -> None:
    folder = LineFolder()
    assert folder.fold(ASKED.format(1, 2, 3), 0.0) == (ASKED.format(1, 2, 3), 0)
    assert folder.fold(ASKED.format(2, 3, 5), 1.0) is None
    assert folder.fold(ASKED.format(3, 5, 7), 59.0) is None
    assert folder.fold(ASKED.format(4, 7, 9), 61.0) == (ASKED.format(4, 7, 9), 2)


def test_another_line_is_not_held_back() -> None:
    folder = LineFolder()
    assert folder.fold("one", 0.0)
    assert folder.fold("two", 0.0)


def test_a_publisher_s_key_is_not_passed_on() -> None:
    folded = LineFolder().fold("publish: name='s' args='key=hush&x=1'", 0.0)
    assert folded == ("publish: name='s' args='key=…&x=1'", 0)


def test_only_so_many_lines_are_remembered() -> None:
    folder = LineFolder()
    assert folder.fold("first", 0.0)
    for n in range(300):
        assert folder.fold(f"line {n} of many", 0.0)
    assert folder.fold("first", 1.0) == ("first", 0)
