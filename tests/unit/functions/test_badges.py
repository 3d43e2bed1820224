"""Badges are small, well-formed and harmless."""

from xml.etree import ElementTree

import pytest

from api.site.badges import Badge, stream_badge, width_px


@pytest.mark.parametrize(
    "name", ["Main stage", "<script>alert(1)</script>", 'Ünï & "co"', "x" * 99]
)
def test_a_badge_is_well_formed_whatever_the_name(name: str) -> None:
    """And the name stays text."""
    svg = stream_badge(name, 3).svg()
    root = ElementTree.fromstring(svg)  # noqa: S314 - our own output
    assert root.get("aria-label") == f"{name[:40]}: 3 verified nodes"
    assert not [element for element in root.iter() if "script" in element.tag]


def test_a_badge_is_as_wide_as_its_text() -> None:
    """Longer text makes a wider image."""
    widths = [
        int(ElementTree.fromstring(Badge("a", "b" * n).svg()).get("width", "0"))  # noqa: S314 - our own
        for n in (1, 10, 30)
    ]
    assert widths == sorted(set(widths))


def test_one_node_is_not_many() -> None:
    """Grammar."""
    assert stream_badge("S", 1).value == "1 verified node"
    assert stream_badge("S", 0).value == "0 verified nodes"


def test_full_width_letters_are_as_wide_as_ideographs() -> None:
    """Both are drawn in a square, and would stand over the end of a narrower box."""
    assert width_px("\uff21") == width_px("\u4e2d") > width_px("\u00e9")
