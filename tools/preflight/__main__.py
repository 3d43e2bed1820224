"""`make preflight PROJECT=… REGION=…`: asks, says what would fail and what to do about it.

Exit codes: 0 nothing is in the way; 1 an apply would fail; 2 not everything could be told; 64 it
was called wrongly; 130 it was interrupted. Only what it tells goes to standard output, and progress
to standard error.
"""

import argparse
import json
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from emulator.unread import quiet_when_unread
from tools.arguments import INTERRUPTED, PLACE, PROJECT, LinedParser, like
from tools.preflight.commands import asking
from tools.preflight.hindrances import Grade
from tools.preflight.inquiries import LEAST, Inquiry, Wanted
from tools.preflight.topics import Topic, document, status, told

MACHINE = re.compile(r"[a-z]\w+(-[a-z0-9]+)+")
ENDS = {
    0: "Nothing is in the way of an apply that can be asked beforehand.",
    1: "An apply would fail, or may: do what is told above, then run preflight again.",
    2: "Nothing that was told is in the way, but not everything could be told.",
}


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = LinedParser(
        line="make preflight PROJECT=my-network-4711 REGION=europe-west1",
        description="Whether `terraform apply` would fail: asked of Google, changing nothing.",
        epilog="Exit codes: 0 fine, 1 it would fail, 2 not everything could be told, 64 usage.",
    )
    parser.add_argument("--project", required=True, type=like(PROJECT), help="the project's id")
    parser.add_argument("--region", required=True, type=like(PLACE), help="like europe-west1")
    parser.add_argument("--firestore-location", default="", type=like(PLACE, True), metavar="PLACE")
    parser.add_argument("--scheduler-region", default="", type=like(PLACE, True), metavar="PLACE")
    parser.add_argument("--size", default="small", choices=sorted(LEAST), help="of the network")
    parser.add_argument(
        "--machine", type=like(MACHINE), help="the ingest's; without it the size's least"
    )
    parser.add_argument("--no-control-nodes", action="store_true", help="none are to be made")
    parser.add_argument("--currency", default="", type=like(re.compile("[A-Z]{3}"), True),
                        help="of the budget, if there is to be one")  # fmt: skip
    parser.add_argument("--gate", action="store_true",
                        help="end with 0 unless an apply would surely fail")  # fmt: skip
    parser.add_argument("--out", type=Path, help="a file for the same as JSON")
    return parser.parse_args(argv)


def shown(topics: Sequence[Topic]) -> str:
    """One line for each topic, and one for each thing in its way."""
    width = max(len(each.name) for each in topics)
    lines = list[str]()
    for each in topics:
        for hindrance in each.hindrances:
            lines.append(f"{hindrance.grade:<8}  {each.name:<{width}}  {hindrance.sentence}")
        if not each.hindrances:
            lines.append(f"{Grade.FINE:<8}  {each.name}")
    return "\n".join(lines)


def _progress(inquiry: Inquiry) -> None:
    print(f"  asked: {inquiry.name}", file=sys.stderr, flush=True)


def main(argv: Sequence[str]) -> int:
    """The exit status."""
    given = _arguments(argv)
    wanted = Wanted(
        given.project,
        given.region,
        given.firestore_location,
        given.scheduler_region,
        given.size == "large",
        given.machine or LEAST[given.size],
        not given.no_control_nodes,
        given.currency,
    )
    try:
        topics = told(asking(os.environ, _progress), wanted)
    except KeyboardInterrupt:
        print("Interrupted; nothing was changed.", file=sys.stderr)
        return INTERRUPTED
    if given.out:
        given.out.parent.mkdir(parents=True, exist_ok=True)
        given.out.write_text(json.dumps(document(topics), indent=1) + "\n")
    print(shown(topics))
    print(ENDS[status(topics, False)])
    return status(topics, given.gate)


if __name__ == "__main__":
    sys.exit(quiet_when_unread(lambda: main(sys.argv[1:])))
