"""How long a relay is held to be silent."""

from agent.relay.relay_supervisor import LOOK_S_MAX, Silence


def test_silence_is_counted_from_the_last_answer() -> None:
    silence = Silence(100.0)
    silence.goes_on(101.0)
    silence.goes_on(102.5)
    assert silence.seconds == 2.5
    silence.ends(103.0)
    assert silence.seconds == 0.0
    silence.goes_on(104.0)
    assert silence.seconds == 1.0


def test_a_machine_that_stood_still_was_not_listening() -> None:
    """A container paused for an hour in the middle of a question: the relay has missed one."""
    silence = Silence(100.0)
    silence.goes_on(3_700.0)
    assert silence.seconds == LOOK_S_MAX
    silence.goes_on(3_701.0)
    assert silence.seconds == LOOK_S_MAX + 1.0
