"""Small charts, drawn by hand."""

import re

from agent.shown.area_charts import chart


def path_of(values: list[float | None]) -> str:
    """What is drawn of them."""
    found = re.search(r'<path class="area" d="([^"]*)"/>', chart("Viewers", values, "1 h", "Few."))
    assert found
    return found[1]


def test_each_value_is_a_step_and_the_highest_reaches_the_top() -> None:
    """The grid has a column for each, and 100 rows."""
    assert path_of([2.0, 8.0, 0.0]) == "M0 100V75.0H1V0.0H2V100.0H3V100Z"
    assert 'viewBox="0 0 3 100"' in chart("Viewers", [2.0, 8.0, 0.0], "1 h", "Few.")


def test_what_is_unknown_is_a_gap() -> None:
    """An area for each stretch that was watched."""
    assert path_of([None, 4.0, None, None, 4.0, None]) == "M1 100V0.0H2V100ZM4 100V0.0H5V100Z"
    assert path_of([None, None]) == ""
    assert path_of([]) == ""


def test_nothing_at_all_is_a_flat_line() -> None:
    """And no division by zero."""
    assert path_of([0.0, 0.0]) == "M0 100V100.0H1V100.0H2V100Z"


def test_a_chart_is_said_to_who_cannot_see_it() -> None:
    """And texts in it are texts."""
    drawn = chart('View<"ers', [1.0], "1 h", "At most <7>.")
    assert 'role="img" aria-label="View&lt;&quot;ers: At most &lt;7&gt;."' in drawn
    assert "<figcaption>At most &lt;7&gt;.</figcaption>" in drawn
    assert "<span>1 h ago</span><span>now</span>" in drawn
