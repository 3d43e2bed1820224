"""What is the most that one /48 can cause? A search among all orders that it can give.

Plans are drawn, and the best of them are changed again and again: by each goal for itself.
"""

from collections.abc import Callable, Mapping
from random import Random

from bench.hostile_api.one_network import OneNetwork
from bench.hostile_api.orders import Caused, Doing, Order, Where

STEPS = 35
"""Of two minutes: more than an hour, so that any hour is seen."""
ORDERS_MAX = 3
KNOWN_KEYS, KEYS = 2_000, 3_000
"""Keys of earlier days, and with those that it may bring."""
COUNT_MAX = 400
RESTARTS = 20
"""Honest nodes that restart in each step."""
Plan = tuple[tuple[Order, ...], ...]
Goal = Callable[[Caused], int]


GOALS: Mapping[str, tuple[Goal, int]] = {
    "requests at one target in an hour, but polls": (Caused.in_an_hour, 60),
    "nodes for which one target is polled in a sweep": (lambda caused: caused.polled_max, 4),
    "polled slots of a roster at once": (lambda caused: caused.slots_max, 1_000),
}
"""And the most that may be reached."""
_ALWAYS = (
    Order(Doing.ASKS, Where.NEIGHBOUR, KNOWN_KEYS, 20),
    Order(Doing.ASKS, Where.NAME_NEIGHBOUR, KNOWN_KEYS + 100, 20),
    Order(Doing.JOINS, Where.NAME_VICTIM, KNOWN_KEYS + 200, 20),
    Order(Doing.RETURNS, Where.NOWHERE, 1_000, 400),
)
WORST: Plan = (
    (Order(Doing.RETURNS, Where.NAME_PROBER, 0, 200), *_ALWAYS),
    *((Order(Doing.RETURNS, Where.HOME, 200, 800), *_ALWAYS),) * 3,
    *(_ALWAYS,) * (STEPS - 4),
)
"""Its own address and another's are called whenever it is their turn, and names lead checks there;
it holds what it may, and tries others as often as it may."""


async def played(plan: Plan, honest: int = 0) -> Caused:
    """What comes of a plan."""
    world = OneNetwork(honest, KNOWN_KEYS)
    for orders in plan:
        await world.minute(orders, RESTARTS if honest else 0)
    return world.caused


async def most_of(goal: Goal, seed: int, drawn: int, changed: int) -> tuple[int, Plan]:
    """The most that any plan reached, and that plan. It begins with the worst that we know."""
    chance = Random(seed)
    best, at = WORST, goal(await played(WORST))
    for number in range(drawn + changed):
        plan = _plan(chance) if number < drawn else _changed(best, chance)
        found = goal(await played(plan))
        if found >= at:
            best, at = plan, found
    return at, best


def _plan(chance: Random) -> Plan:
    wheres = chance.sample(list(Where), chance.randint(1, 4))  # else no plan would do one thing
    acts = [Doing.JOINS, *chance.sample(list(Doing), chance.randint(1, 5))]
    return tuple(_orders(chance, wheres, acts) for _ in range(STEPS))


def _orders(chance: Random, wheres: list[Where], acts: list[Doing]) -> tuple[Order, ...]:
    return tuple(
        Order(
            chance.choice(acts),
            chance.choice(wheres),
            chance.randrange(KEYS),
            chance.randint(1, COUNT_MAX),
        )
        for _ in range(chance.randint(0, ORDERS_MAX))
    )


def _changed(plan: Plan, chance: Random) -> Plan:
    """With some steps given anew."""
    steps = list(plan)
    for _ in range(chance.randint(1, 6)):
        steps[chance.randrange(STEPS)] = _orders(chance, list(Where), list(Doing))
    return tuple(steps)
