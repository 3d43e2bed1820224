"""How nodes are divided among sweeps, and divided anew."""

from coordinator.polling.shards import FIRST, LEAD_TICKS, SETTLED_AFTER_TICKS, Layout, Layouts


def _called(layouts: Layouts, callers: int, tick: int, *, among: range) -> Layouts:
    for caller in among:
        layouts = layouts.after_call(caller, callers, tick)
    return layouts


def test_a_setting_takes_effect_when_all_of_its_shards_were_called() -> None:
    """A little later; until then somebody might not be swept."""
    layouts = _called(Layouts(), 5, 100, among=range(4))
    assert layouts.at(10**6) == FIRST
    layouts = layouts.after_call(4, 5, 103)
    begun = Layout(5, 103 + LEAD_TICKS)
    assert layouts.at(begun.from_tick - 1) == FIRST
    assert layouts.at(begun.from_tick) == begun
    assert layouts.before(begun) == FIRST
    assert layouts.before(FIRST) is None


def test_a_call_that_changes_nothing_writes_nothing() -> None:
    """The same object, call after call."""
    layouts = Layouts()
    assert layouts.after_call(0, 1, 100) is layouts
    waiting = layouts.after_call(2, 5, 100)
    assert waiting.after_call(2, 5, 101) is waiting


def test_an_old_instance_does_not_bring_the_old_layout_back() -> None:
    """Not while a deployment may still be under way."""
    layouts = _called(Layouts(), 2, 100, among=range(2))
    settled = 100 + LEAD_TICKS + SETTLED_AFTER_TICKS
    assert layouts.after_call(0, 1, settled - 1) is layouts
    back = layouts.after_call(0, 1, settled)
    assert back.at(200) == Layout(1, settled + LEAD_TICKS)


def test_another_setting_starts_the_count_anew() -> None:
    """Calls for five shards say nothing about seven."""
    layouts = _called(Layouts(), 5, 100, among=range(4))
    layouts = layouts.after_call(4, 7, 101)
    assert (layouts.wanted, layouts.called) == (7, frozenset({4}))


def test_every_old_shard_has_one_caller() -> None:
    """Whether there are more shards or fewer than before."""
    for old, new in ((1, 16), (16, 1), (16, 5), (5, 16), (3, 3)):
        covered = [s for c in range(new) for s in Layout(old, 1).covered_by(c, new)]
        assert sorted(covered) == list(range(old))


def test_ticks_are_parted_by_layout() -> None:
    """Every tick in exactly one part."""
    layouts = Layouts((FIRST, Layout(2, 101)))
    assert layouts.within(range(99, 104)) == [
        (FIRST, range(99, 101)),
        (Layout(2, 101), range(101, 104)),
    ]
    assert layouts.within(range(101, 103)) == [(Layout(2, 101), range(101, 103))]
    assert Layouts().within(range(7, 9)) == [(FIRST, range(7, 9))]


def test_layouts_survive_their_document() -> None:
    """And there is one shard before there is a document."""
    layouts = _called(_called(Layouts(), 2, 100, among=range(2)), 5, 200, among=range(3))
    assert Layouts.from_fields(layouts.to_fields()) == layouts
    assert Layouts.from_fields(None) == Layouts()
