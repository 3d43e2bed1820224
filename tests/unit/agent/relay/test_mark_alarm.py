"""Each time that the relay leaves its upstream because of a mark, the coordinator is asked once."""

from agent.relay.engines.engine import Marks
from agent.relay.mark_alarm import MarkAlarm


def test_each_time_is_asked_about_once() -> None:
    """Nothing is asked while all is well, nor again by an engine that counts anew."""
    asked: list[int] = []
    alarm = MarkAlarm(lambda: asked.append(1))
    looks = [
        (None, 0),
        (Marks("verified"), 0),
        (Marks("waiting", {"differs": 1}), 1),
        (Marks("verified", {"differs": 1}), 1),
        (Marks("waiting", {"differs": 1, "missing": 1}), 2),
        (Marks("waiting"), 2),
        (Marks("waiting", {"no_marks": 1}), 3),
    ]
    for marks, count in looks:
        alarm.look(marks)
        assert len(asked) == count
