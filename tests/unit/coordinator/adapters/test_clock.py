"""A clock that is set stops nothing."""

from dataclasses import dataclass

import pytest
from starlette.types import Receive, Scope, Send

from api.http.rates import RateLimit
from api.services.snapshots import Snapshots
from coordinator.adapters.clock import ANSWER_OFF_S_MAX, SystemClock, steady
from coordinator.adapters.records import Measurements
from coordinator.adapters.records.ledger import Ledger
from tests.doubles.counting import CountingStore
from tests.doubles.memory import MemoryStore
from tests.populated import populate

HOUR_S = 3600.0


@dataclass
class Machine:
    """A machine whose clock somebody sets."""

    wall_s: float = 1_795_305_637.0
    boot_s: float = 77.0

    def clock(self) -> SystemClock:
        """As a process that begins now has it."""
        return SystemClock(lambda: self.wall_s, lambda: self.boot_s, lambda: self.boot_s)

    def goes_on(self, seconds: float) -> None:
        """Time passes."""
        self.wall_s += seconds
        self.boot_s += seconds


def test_a_clock_that_is_set_back_goes_on_as_before() -> None:
    """Second by second; a new process takes the machine's word."""
    machine = Machine()
    clock = machine.clock()
    first_s = clock()
    machine.wall_s -= HOUR_S
    for second in range(1, 90):
        machine.goes_on(1.0)
        assert clock() == pytest.approx(first_s + second)
    assert machine.clock()() == pytest.approx(first_s + 89 - HOUR_S)


def test_a_clock_that_was_set_forward_and_right_again_is_put_right_by_a_witness() -> None:
    """By another machine's word, and only as far as the wall clock agrees with that."""
    machine = Machine()
    clock = machine.clock()
    first_s = clock()
    machine.wall_s += HOUR_S
    assert not clock.agrees(first_s)
    assert clock() == pytest.approx(first_s + HOUR_S)
    machine.wall_s -= HOUR_S
    assert clock() == pytest.approx(first_s + HOUR_S)
    assert clock.agrees(first_s)
    assert clock() == pytest.approx(first_s)


def test_a_clock_that_was_set_back_agrees_and_stays() -> None:
    """The machine's word is the wrong one then."""
    machine = Machine()
    clock = machine.clock()
    first_s = clock()
    machine.wall_s -= HOUR_S
    assert clock.agrees(first_s)
    assert clock() == pytest.approx(first_s)
    assert not machine.clock().agrees(first_s)


@pytest.mark.parametrize("off_s", [HOUR_S, -HOUR_S])
def test_a_clock_follows_the_database_where_its_machine_is_wrong(off_s: float) -> None:
    """And goes on by it, also when the machine's clock is right again."""
    machine = Machine(wall_s=1_795_305_637.0 + off_s)
    clock = machine.clock()
    assert clock.follow(1_795_305_637.0) == pytest.approx(off_s)
    assert clock() == pytest.approx(1_795_305_637.0)
    machine.goes_on(7.0)
    assert clock() == pytest.approx(1_795_305_644.0)
    machine.wall_s -= off_s
    if off_s < 0:  # its clock seems to be an hour ahead then, until the next word
        assert clock.follow(1_795_305_644.0) == pytest.approx(HOUR_S)
    machine.goes_on(5.0)
    assert clock() == pytest.approx(1_795_305_649.0)
    assert clock.follow(1_795_305_649.0 + ANSWER_OFF_S_MAX) == 0.0
    assert clock() == pytest.approx(1_795_305_649.0)


def test_a_clock_that_is_set_forward_is_followed() -> None:
    """As after a machine's sleep that no clock has counted."""
    machine = Machine()
    clock = machine.clock()
    first_s = clock()
    machine.wall_s += HOUR_S
    assert clock() == pytest.approx(first_s + HOUR_S)
    machine.wall_s -= HOUR_S
    machine.goes_on(7.0)
    assert clock() == pytest.approx(first_s + HOUR_S + 7)


@pytest.mark.parametrize("set_s", [-HOUR_S, 0.0, HOUR_S])
async def test_the_network_is_read_again_in_time_however_the_clock_is_set(set_s: float) -> None:
    """Within two sweeps, and not at each request."""
    machine, memories = Machine(), (MemoryStore(), MemoryStore())
    await populate(*memories, 10, machine.wall_s)
    measured, money = map(CountingStore, memories)
    snapshots = Snapshots(Measurements(measured), Ledger(money), 60, machine.clock())

    async def reads_of(requests: int) -> int:
        before = measured.operations.reads + money.operations.reads
        for _ in range(requests):
            machine.goes_on(0.01)
            await snapshots.now()
        return measured.operations.reads + money.operations.reads - before

    assert await reads_of(50) > 0
    machine.wall_s += set_s
    assert await reads_of(50) <= 2
    machine.goes_on(120.0)
    assert 0 < await reads_of(50) <= 4


def test_a_limit_is_over_in_time_however_the_clock_is_set() -> None:
    """A caller that was refused is let in after the seconds that it was told."""
    machine = Machine()
    limit = RateLimit(_nothing, 1.0, 0, machine.clock())
    while not (wait_s := limit.wait_s("203.0.114.7", None)):
        pass
    machine.wall_s -= HOUR_S
    machine.goes_on(wait_s)
    assert limit.wait_s("203.0.114.7", None) == 0


async def _nothing(scope: Scope, receive: Receive, send: Send) -> None:
    raise AssertionError(scope)


def test_a_simulated_clock_measures_durations_itself() -> None:
    """And the machine's has another one for them."""
    machine = Machine()
    assert steady(lambda: 7.0)() == 7.0
    assert steady(machine.clock())() == machine.boot_s
