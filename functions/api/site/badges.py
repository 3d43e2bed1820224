"""Badges: a label and a value as a small SVG, for web sites and readmes."""

import unicodedata
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from coordinator.projections.network_view import NodeView
from coordinator.projections.past_shares import percent
from coordinator.sweeping.nodes import NodeStatus

PADDING_PX = 7
_NARROW_PX, _USUAL_PX, _CAPITAL_PX, _BROAD_PX, _WIDE_PX = 4.5, 7.1, 8.7, 11.1, 15.5
"""Widths of characters of the 11 px font, rounded up by class; the last is a picture's."""
_NARROW, _BROAD = frozenset("fijlrtIJ!'(),-./:;[\\]| ·"), frozenset("mwMW@%#&+<=>^~…—")
_JOINER = "\u200d"

_COLOURS = {
    NodeStatus.HEALTHY: "#116329",
    NodeStatus.IDLE: "#57606a",
    NodeStatus.PENDING: "#57606a",
    NodeStatus.LEFT: "#57606a",
    NodeStatus.UNHEALTHY: "#8a4600",
    NodeStatus.OFFLINE: "#8a4600",
    NodeStatus.FLAGGED: "#a40e26",
    NodeStatus.SUSPENDED: "#a40e26",
    NodeStatus.FRAUD: "#a40e26",
}


@dataclass(frozen=True, slots=True)
class Badge:
    """What a badge says."""

    label: str
    value: str
    colour: str = "#57606a"

    def svg(self) -> str:
        """The image; it reads aloud as `label: value`, and no text of anybody's becomes markup."""
        left, right = (round(width_px(text) + 2 * PADDING_PX) for text in (self.label, self.value))
        label, value = escape(self.label), escape(self.value)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" '
            f'role="img" aria-label="{label}: {value}"><title>{label}: {value}</title>'
            f'<rect width="{left + right}" height="20" rx="3" fill="#24292f"/>'
            f'<path d="M{left} 0h{right - 3}a3 3 0 0 1 3 3v14a3 3 0 0 1-3 3h-{right - 3}z" '
            f'fill="{self.colour}"/>'
            '<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" '
            'text-anchor="middle">'
            f'<text x="{left / 2:g}" y="14"{_held(self.label)}>{label}</text>'
            f'<text x="{left + right / 2:g}" y="14"{_held(self.value)}>{value}</text></g></svg>'
        )


def width_px(text: str) -> float:
    """About how wide a text is drawn: at least as wide as it is, for letters without accents."""
    return sum(
        0.0 if before == _JOINER else _character_px(character)
        for before, character in pairwise(f" {text}")
    )


def _character_px(character: str) -> float:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):  # drawn onto the one before
        return 0.0
    if character in _NARROW:
        return _NARROW_PX
    if character in _BROAD:
        return _BROAD_PX
    if character.isascii():
        return _CAPITAL_PX if character.isupper() else _USUAL_PX
    is_wide = unicodedata.east_asian_width(character) in ("W", "F")
    return _WIDE_PX if is_wide else _BROAD_PX


def _held(text: str) -> str:
    """Attributes that press a text into its box whose fonts nobody can foretell."""
    if all(one.isascii() or one in _NARROW | _BROAD for one in text):
        return ""
    return f' textLength="{width_px(text):g}" lengthAdjust="spacingAndGlyphs"'


def node_badge(node: NodeView) -> Badge:
    """A node's status, with its measured uptime where a check has borne it out."""
    uptime = node.uptime
    status = node.status.value
    value = status if uptime is None else f"{status} · {percent(uptime)}% up"
    return Badge("restream node", value, _COLOURS[node.status])


def stream_badge(name: str, verified: int) -> Badge:
    """How many verified nodes relay a stream now."""
    nodes = "1 verified node" if verified == 1 else f"{verified} verified nodes"
    return Badge(name[:40], nodes, "#116329" if verified else "#57606a")
