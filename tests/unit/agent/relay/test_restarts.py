"""When a relay is started again: at once, unless that goes on."""

from agent.relay.restarts import AT_ONCE_MAX, RETRY, WITHIN_S, Restarts

CHANCE = 0.999999


def test_the_first_ends_of_a_minute_cost_no_wait() -> None:
    """Sixteen crashes in 75 s would else cost a node its minutes."""
    restarts = Restarts()
    waits = [restarts.ended(100.0 + second, CHANCE) for second in range(6)]
    assert waits[:AT_ONCE_MAX] == [0.0] * AT_ONCE_MAX
    assert waits[AT_ONCE_MAX:] == [RETRY.delay_s(number, CHANCE) for number in (1, 2, 3)]


def test_a_minute_later_there_is_no_wait_again() -> None:
    restarts = Restarts()
    for second in range(5):
        restarts.ended(100.0 + second, CHANCE)
    assert restarts.ended(104.0 + WITHIN_S, CHANCE) == 0.0
    assert restarts.ended(104.0 + 2 * WITHIN_S - 0.1, CHANCE) == 0.0


def test_what_cannot_be_started_is_tried_ever_more_seldom() -> None:
    restarts = Restarts()
    waits = [restarts.failed(CHANCE) for _ in range(8)]
    assert waits == [RETRY.delay_s(number, CHANCE) for number in range(1, 9)]
    assert waits[-1] <= RETRY.limit_s
    restarts.ended(100.0, CHANCE)
    assert restarts.failed(CHANCE) == waits[0]


def test_another_task_begins_anew() -> None:
    restarts = Restarts()
    restarts.failed(CHANCE)
    for _ in range(AT_ONCE_MAX):
        restarts.ended(100.0, CHANCE)
    restarts.forget()
    assert restarts.ended(100.0, CHANCE) == 0.0
    restarts.forget()
    assert restarts.failed(CHANCE) == RETRY.delay_s(1, CHANCE)
