"""`make smoke API=https://…`: a stream of its own goes through a network that was just applied.

Exit codes: 0 all is well; 1 something is wrong; 2 nothing that was told is wrong, but not
everything could be asked; 64 it was called wrongly; 130 it was interrupted. What it finds goes to
standard output as it is found, and progress to standard error.
"""

import argparse
import json
import os
import re
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx

from emulator.unread import quiet_when_unread
from tools.arguments import INTERRUPTED, PLACE, PROJECT, LinedParser, like
from tools.preflight.commands import asking
from tools.smoke.api_client import ANSWER_S_MAX, ApiClient
from tools.smoke.cloud import Cloud
from tools.smoke.course import Course, Means, StoppedError, smoke
from tools.smoke.gcloud import Gcloud
from tools.smoke.ground import Ground
from tools.smoke.kept import Kept
from tools.smoke.local import Local
from tools.smoke.patience import Patience
from tools.smoke.place import cloud_of
from tools.smoke.results import Light, NotToldError, ResultRow, document, status
from tools.smoke.settling import WAIT_S_MAX, Settling
from tools.smoke.tested_stream import TestedStream
from tools.smoke.web import Web

ADDRESS = re.compile(r"https?://[A-Za-z0-9.-]+(:\d{1,5})?")
KEY_BYTES_MAX = 1024
"""Of a file with a sponsor's key, which has 43 characters."""
RETRIES = 2
"""Of a connection that could not be made: nothing was sent then."""
ENDS = {
    0: "All is well.",
    1: "Something is wrong: do what is told above, then run it again.",
    2: "Nothing that was told is wrong, but not everything could be asked.",
}


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = LinedParser(
        line="make smoke API=https://restream-api-4711.europe-west1.run.app",
        description="Whether a network works: shown by a small stream of its own.",
        epilog="Exit codes: 0 well, 1 something is wrong, 2 not everything was asked, 64 usage.",
    )
    add = parser.add_argument
    add("--api", required=True, type=like(ADDRESS), help="the api's address, without a path")
    add("--project", default="", type=like(PROJECT, True), help="else by the api's address")
    add("--region", default="", type=like(PLACE, True), help="likewise")
    add("--wait", default="", choices=["", "paid"], help="for the stream's last statement")
    add("--kept", type=Path, default=Path("build/smoke-streams.json"), help="which stream it was")
    add("--out", type=Path, help="a file for the same as JSON")
    return parser.parse_args(argv)


def sponsor_key(env: Mapping[str, str]) -> str:
    """Out of the environment or a file, never of a command line; empty if there is none."""
    if path := env.get("SPONSOR_KEY_FILE"):
        with Path(path).open() as file:
            return file.read(KEY_BYTES_MAX).strip()
    return env.get("SPONSOR_KEY", "").strip()


def _show(finding: ResultRow) -> None:
    print(f"{finding.grade:<8}  {finding.name:<9}  {finding.sentence}", flush=True)


def _say(progress: str) -> None:
    print(f"  {progress}", file=sys.stderr, flush=True)


def _ground(network: ApiClient, given: argparse.Namespace) -> Ground:
    """Raises NotToldError where a cloud's project cannot be found out."""
    gcloud = Gcloud(asking(os.environ, lambda _: None))
    place = cloud_of(given.api, given.project, given.region, gcloud)
    if place is None:
        return Local(network, network.now_s)
    return Cloud(gcloud, *place, network.now_s, Web())


def _run(given: argparse.Namespace, course: Course) -> None:
    """Raises StoppedError and KeyboardInterrupt."""
    transport = httpx.HTTPTransport(retries=RETRIES)
    with httpx.Client(base_url=given.api, timeout=ANSWER_S_MAX, transport=transport) as client:
        network, kept = ApiClient(client), Kept(given.kept)
        if not (given.wait and kept.stream_of(network.api)):
            try:
                ground = _ground(network, given)
            except NotToldError as error:
                course.add(ResultRow("project", Light.UNTOLD, error.sentence, error.code))
                return
            stream = TestedStream(network, sponsor_key(os.environ), kept)
            smoke(course, network, ground, stream, Means(Patience(time.time, time.sleep)))
        if given.wait:
            patience = Patience(time.time, time.sleep, WAIT_S_MAX)
            settling = Settling(network, kept.stream_of(network.api), patience, _say)
            course.need("paid", settling.paid)
            kept.forget(network.api)


def main(argv: Sequence[str]) -> int:
    """The exit status."""
    given = _arguments(argv)
    for each in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.default_int_handler)
    course, interrupted = Course(_show, _say), False
    try:
        _run(given, course)
    except StoppedError:
        pass  # its last row says why
    except KeyboardInterrupt:
        interrupted = True
    if given.out:
        given.out.parent.mkdir(parents=True, exist_ok=True)
        given.out.write_text(json.dumps(document(course.findings), indent=1) + "\n")
    if interrupted:
        print("Interrupted.", file=sys.stderr)
        return INTERRUPTED
    print(ENDS[status(course.findings)])
    return status(course.findings)


if __name__ == "__main__":
    sys.exit(quiet_when_unread(lambda: main(sys.argv[1:])))
