"""Badges: a label and a value as a small SVG, for web sites and readmes."""

from dataclasses import dataclass
from html import escape

from coordinator.pages.network import NodeView
from coordinator.polling.nodes import NodeStatus

CHARACTER_PX = 6.6
"""Width of a character of the 11 px font, on the wide side: text must not touch the edge."""
PADDING_PX = 7

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
        left = round(len(self.label) * CHARACTER_PX + 2 * PADDING_PX)
        right = round(len(self.value) * CHARACTER_PX + 2 * PADDING_PX)
        label, value = escape(self.label), escape(self.value)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" '
            f'role="img" aria-label="{label}: {value}"><title>{label}: {value}</title>'
            f'<rect width="{left + right}" height="20" rx="3" fill="#24292f"/>'
            f'<path d="M{left} 0h{right - 3}a3 3 0 0 1 3 3v14a3 3 0 0 1-3 3h-{right - 3}z" '
            f'fill="{self.colour}"/>'
            '<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" '
            'text-anchor="middle">'
            f'<text x="{left / 2:g}" y="14">{label}</text>'
            f'<text x="{left + right / 2:g}" y="14">{value}</text></g></svg>'
        )


def node_badge(node: NodeView) -> Badge:
    """A node's status, with its measured uptime where a check has borne it out."""
    uptime = node.uptime
    value = node.status.value if uptime is None else f"{node.status.value} · {uptime:.1%} up"
    return Badge("restream node", value, _COLOURS[node.status])


def stream_badge(name: str, verified: int) -> Badge:
    """How many verified nodes relay a stream now."""
    nodes = "1 verified node" if verified == 1 else f"{verified} verified nodes"
    return Badge(name[:40], nodes, "#116329" if verified else "#57606a")
