"""`make cost NODES=… HOURS=… BITRATE=…`: a month's cost; without NODES, the tables of docs/ops.md.

What is held to a goal goes to the file of `--out` as well.

Exit codes: 0, or 64 if it was called wrongly.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path

from emulator.unread import quiet_when_unread
from tools.arguments import LinedParser
from tools.cost.prices import read
from tools.cost.tables import cost_table, document, price_table, told
from tools.cost.usage import MONTH_H, Usage

NODES_MAX = 1_000_000
"""Beyond it no formula here has been looked at."""
MBITS_MAX = 100
"""More than any platform takes from a publisher."""


def _within(least: int, most: int) -> Callable[[str], Decimal]:
    def parsed(value: str) -> Decimal:
        try:
            number = Decimal(value)
        except InvalidOperation:
            number = Decimal(-1)
        if not (number.is_finite() and least <= number <= most):
            raise argparse.ArgumentTypeError(f"{value!r} is not from {least:,} to {most:,}")
        return number

    return parsed


def _whole_within(least: int, most: int) -> Callable[[str], int]:
    def parsed(value: str) -> int:
        number = _within(least, most)(value)
        if number != int(number):
            raise argparse.ArgumentTypeError(f"{value!r} is no whole number")
        return int(number)

    return parsed


def main(argv: Sequence[str]) -> int:
    """The exit status."""
    parser = LinedParser(
        line="make cost NODES=1000 HOURS=100 BITRATE=4",
        description="What a network costs a month in the cloud.",
    )
    parser.add_argument("--nodes", type=_whole_within(0, NODES_MAX), help="that stay all month")
    parser.add_argument("--hours", type=_whole_within(0, MONTH_H), default=Usage.hours,
                        help=f"in which the stream is live; {MONTH_H} is always")  # fmt: skip
    parser.add_argument("--bitrate", type=_within(0, MBITS_MAX), default=Usage.mbits,
                        help="of the stream, in Mbit/s")  # fmt: skip
    parser.add_argument("--out", type=Path, help="a file for the rows that have a goal, as JSON")
    given, prices = parser.parse_args(argv), read()
    if given.out:
        given.out.parent.mkdir(parents=True, exist_ok=True)
        given.out.write_text(json.dumps(document(prices), indent=1) + "\n")
    if given.nodes is None:
        print(f"{price_table(prices)}\n\n{cost_table(prices)}")
    else:
        print("\n".join(told(Usage(given.nodes, given.hours, given.bitrate), prices)))
    return 0


if __name__ == "__main__":
    sys.exit(quiet_when_unread(lambda: main(sys.argv[1:])))
