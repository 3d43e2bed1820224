"""What people see while the demo runs: a live table, or lines where there is no terminal."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from emulator.demo.cast import PROJECT, Member
from emulator.demo.network import LocalNetwork, View
from emulator.demo.public_api import Node, tokens_of
from emulator.processes.supervisor import Death

SUMMARY_SECONDS = 15.0
OUTPUT_LINES = 5
_COLOURS = {"healthy": "green", "pending": "yellow", "idle": "yellow", "unhealthy": "red"}


@dataclass(frozen=True, slots=True)
class Line:
    """One node in the table; `node` is None until the api knows it."""

    name: str
    kind: str
    node: Node | None

    @property
    def status(self) -> str:
        return self.node.status if self.node else "starting"

    @property
    def why(self) -> str:
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


def lines_of(members: Iterable[Member], view: View) -> list[Line]:
    """The cast in its order, then nodes that somebody else has brought along."""
    lines = [
        Line(member.name, member.kind, view.nodes.get(view.members.get(member.name, "")))
        for member in members
    ]
    ours = set(view.members.values())
    guests = [node for node_id, node in view.nodes.items() if node_id not in ours]
    return lines + [Line(node.node_id, "guest", node) for node in guests]


def addresses(network: LocalNetwork, view: View | None) -> list[tuple[str, str]]:
    """What to open, and where."""
    api_url = network.stage.api_url
    stream = view.stream if view else None
    return [
        ("dashboard", f"{api_url}/"),
        ("API docs", f"{api_url}/docs"),
        ("stream", stream.ingest_url if stream else "-"),
        ("playlist", stream.play_url if stream else "-"),
        ("balance", f"{tokens_of(stream.balance_micros)} tokens" if stream else "-"),
        ("logs", str(network.stage.folder / "logs")),
        ("last sweep", f"{_store(network)} make show"),
    ]


def _store(network: LocalNetwork) -> str:
    """What tells a verb where the network's documents are, and its pace."""
    return (
        f"GOOGLE_CLOUD_PROJECT={PROJECT} FIRESTORE_EMULATOR_HOST={network.stage.firestore_host} "
        f"SWEEP_SECONDS={network.stage.pace.sweep_s}"
    )


def render(network: LocalNetwork, view: View | None) -> RenderableType:
    """The whole picture for a terminal."""
    head = Table.grid(padding=(0, 2))
    for name, value in addresses(network, view):
        head.add_row(f"[bold]{name}", Text(value, overflow="fold"))
    table = Table(expand=True)
    for title in ("node", "kind", "status"):
        table.add_column(title, no_wrap=True)
    table.add_column("why", ratio=1)
    for title in ("minutes up", "checks +/-", "tokens"):
        table.add_column(title, justify="right", no_wrap=True)
    for line in lines_of(network.members, view) if view else []:
        status = Text(line.status, style=_COLOURS.get(line.status, "red"))
        why = Text(line.why)
        table.add_row(line.name, line.kind, status, why, line.minutes, line.checks, line.earned)
    below = [Text(trouble, style="yellow") for trouble in (view.trouble if view else ())]
    below += [_dead(death) for death in network.deaths]
    below.append(Text("Ctrl-C stops everything", style="dim"))
    return Group(head, table, *below)


def _dead(death: Death) -> Text:
    return Text.from_markup(
        f"[bold red]{escape(str(death))}[/] at {_clock(death.at_s)}"
        + "".join(f"\n  [dim]{escape(line)}[/]" for line in death.output[-OUTPUT_LINES:])
    )


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
