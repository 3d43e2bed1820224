"""What people see while the demo runs: a live table, or lines where there is no terminal."""

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from emulator.demo.cast import CONTROL_BAD, CONTROL_GOOD, PROJECT, Member
from emulator.demo.network import WISH, LocalNetwork, View
from emulator.demo.public_api import PublicNode, tokens_of
from emulator.processes.supervisor import Death

SUMMARY_SECONDS = 15.0
OUTPUT_LINES = 5
DEATHS_SHOWN = 2
WIDE_COLUMNS = 100
_CONTROLS = {
    CONTROL_GOOD: "Known to be good: it checks the checking, and is not paid.",
    CONTROL_BAD: "Known to be bad: it checks the checking, and is not paid.",
}
_COLOURS = {
    "control": "dim",
    "healthy": "green",
    "pending": "yellow",
    "idle": "yellow",
    "unhealthy": "red",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One node in the table; `node` is None until the api knows it."""

    name: str
    kind: str
    node: PublicNode | None

    @property
    def status(self) -> str:
        if self.node and self.kind in _CONTROLS:
            return "control"
        return self.node.status if self.node else "starting"

    @property
    def why(self) -> str:
        if self.kind in _CONTROLS:
            return _CONTROLS[self.kind]
        return f"{self.node.says} {self.node.fix}".strip() if self.node else ""

    @property
    def minutes(self) -> str:
        return f"{self.node.minutes_up}/{self.node.minutes_due}" if self.node else "-"

    @property
    def checks(self) -> str:
        return f"{self.node.checks_passed}/{self.node.checks_failed}" if self.node else "-"

    @property
    def earned(self) -> str:
        return tokens_of(self.node.earned_micros) if self.node else "-"


def lines_of(members: Iterable[Member], view: View | None) -> list[Line]:
    """The cast in its order, then nodes that somebody else has brought along."""
    nodes = view.nodes if view else {}
    lines = [Line(member.name, member.kind, nodes.get(member.node_id)) for member in members]
    ours = {member.node_id for member in members}
    guests = [node for node_id, node in nodes.items() if node_id not in ours]
    return lines + [Line(node.node_id, "guest", node) for node in guests]


def addresses(network: LocalNetwork, view: View | None) -> list[tuple[str, str]]:
    """What to open, and where; and how fast time passes there."""
    api_url = network.stage.api_url
    stream = view.stream if view else None
    pace = network.stage.pace
    return [
        ("dashboard", f"{api_url}/"),
        ("API docs", f"{api_url}/docs"),
        ("stream", stream.ingest_url if stream else "-"),
        ("playlist", stream.play_url if stream else "-"),
        ("balance", f"{tokens_of(stream.balance_micros)} tokens" if stream else "-"),
        ("pace", f"a minute takes {pace.sweep_s} s here, an hour {pace.epoch_s} s"),
    ]


def hints(network: LocalNetwork) -> list[str]:
    """What is said once: where more is to be seen, and how to be a sponsor oneself."""
    key = network.stage.keys.sponsor
    wish = {**WISH, "name": "My stream", "token_balance": "100"}
    return [
        f"logs: {network.stage.folder / 'logs'}",
        f"last sweep: {_store(network)} make show",
        f"be a sponsor too, with this demo's key {key}:",
        f"curl -X POST {network.stage.api_url}/streams -H 'Authorization: Bearer {key}' "
        f"-H 'Content-Type: application/json' -d '{json.dumps(wish)}'",
    ]


def _store(network: LocalNetwork) -> str:
    """What tells a verb where the network's documents are, and its pace."""
    return (
        f"GOOGLE_CLOUD_PROJECT={PROJECT} FIRESTORE_EMULATOR_HOST={network.stage.firestore_host} "
        f"SWEEP_SECONDS={network.stage.pace.sweep_s}"
    )


@dataclass(frozen=True, slots=True)
class Detail:
    """How much of it is drawn."""

    output_lines: int = OUTPUT_LINES
    """Of what a dead part said last."""
    wraps: bool = True
    """Whether a long reason goes on in the next line; else it is cut."""
    nodes_max: int | None = None


def fitted(network: LocalNetwork, view: View | None, console: Console) -> RenderableType:
    """The whole picture, as much of it as the terminal holds.

    One line more than there is, and each redrawing would leave a trail of the one before."""
    room = console.height - 1
    brief = Detail(output_lines=0, wraps=False)
    for detail in (Detail(), brief):
        picture = render(network, view, detail, console.width)
        if (height := len(console.render_lines(picture, pad=False))) <= room:
            return picture
    fits = len(lines_of(network.members, view)) - (height - room) - 1
    return render(network, view, replace(brief, nodes_max=max(fits, 1)), console.width)


def render(
    network: LocalNetwork, view: View | None, detail: Detail, columns: int
) -> RenderableType:
    """Addresses, nodes, and what is wrong, from above to below."""
    head = Table.grid(padding=(0, 1))
    for name, value in addresses(network, view):
        head.add_row(f"[bold]{name}", Text(value, overflow="fold"))
    lines = lines_of(network.members, view)
    shown = lines if detail.nodes_max is None else lines[: detail.nodes_max]
    below = []
    if len(shown) < len(lines):
        below.append(Text(f"and {len(lines) - len(shown)} more: they are on the dashboard"))
    below += [_cut(trouble, "yellow") for trouble in (view.trouble if view else ())]
    below += [_dead(death, detail.output_lines) for death in network.deaths[-DEATHS_SHOWN:]]
    below.append(Text("Ctrl-C stops everything", style="dim"))
    return Group(head, _nodes(shown, detail, with_kind=columns >= WIDE_COLUMNS), *below)


def _nodes(lines: Iterable[Line], detail: Detail, *, with_kind: bool) -> Table:
    table = Table(box=None, expand=True, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("node", no_wrap=True)
    if with_kind:
        table.add_column("kind", no_wrap=True)
    table.add_column("status", no_wrap=True)
    for title in ("up", "+/-", "tokens"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("why", ratio=1, no_wrap=not detail.wraps, overflow="ellipsis")
    for line in lines:
        kind = [line.kind] if with_kind else []
        status = Text(line.status, style=_COLOURS.get(line.status, "red"))
        numbers = (line.minutes, line.checks, line.earned)
        table.add_row(line.name, *kind, status, *numbers, Text(line.why))
    return table


def _cut(text: str, style: str) -> Text:
    return Text(text, style=style, no_wrap=True, overflow="ellipsis")


def _dead(death: Death, output_lines: int) -> Text:
    """Who has died, and what it said last."""
    said = death.output[-output_lines:] if output_lines else ()
    return _cut("\n  ".join([f"{death} at {_clock(death.at_s)}", *said]), "red")


def _clock(at_s: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(at_s))


class Progress:
    """The same as lines: each change when it happens, everything now and then."""

    def __init__(self) -> None:
        self._said: dict[str, str] = {}
        self._troubles: tuple[str, ...] = ()
        self._summary_at_s = 0.0

    def lines(self, network: LocalNetwork, view: View) -> Iterator[str]:
        """What is worth saying since the last call."""
        lines = lines_of(network.members, view)
        for line in lines:
            state = f"{line.name} ({line.kind}) is {line.status}: {line.why or 'not seen yet'}"
            if self._said.get(line.name) != state:
                self._said[line.name] = state
                yield state
        for trouble in view.trouble:
            if trouble not in self._troubles:
                yield trouble
        self._troubles = view.trouble
        if view.at_s - self._summary_at_s >= SUMMARY_SECONDS:
            self._summary_at_s = view.at_s
            for line in lines:
                yield (
                    f"{line.name}: {line.status}, {line.minutes} minutes up, "
                    f"{line.checks} checks passed/failed, {line.earned} tokens"
                )


def death_lines(death: Death) -> Iterator[str]:
    """A death and what the child said last, for where there is no table."""
    yield f"{death} at {_clock(death.at_s)}; its last output:"
    yield from (f"  {death.name}| {line}" for line in death.output)
