"""What a coordinator publishes, held against itself.

`python -m tools.verify all --stream … --api …` (or `--date …`): a stream's whole life, or a day
`python -m tools.verify schedule --date … --api …`: a day's checks against its sealed lottery
`python -m tools.verify statement --stream … --epoch … --api …`: a statement against its evidence
`python -m tools.verify dry-run --stream … --epoch … --until … --rate … --api …`: other terms
"""

import argparse
import asyncio
import json
import sys
import time
from datetime import date
from pathlib import Path
from typing import Any

import httpx

from coordinator.money import parse_tokens
from emulator.unread import quiet_when_unread
from tools.verify.public import PublicRecord
from tools.verify.recompute import dry_run, verify_statement
from tools.verify.schedule import verify_schedule
from tools.verify.stream_audit import Whole

VERDICTS = {0: "equal", 1: "different", 2: "cannot be told"}
"""What a status says; `make` itself ends with 2 for every status but 0."""


def main(argv: list[str]) -> int:
    """Exit status 0: everything agrees; 1: it does not; 2: it cannot be told (yet)."""
    parser = argparse.ArgumentParser(prog="python -m tools.verify", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    schedule = verbs.add_parser("schedule", help="a day's checks against its sealed lottery")
    schedule.add_argument("--date", type=date.fromisoformat, required=True, help="2026-11-22, UTC")
    whole = verbs.add_parser("all", help="all of a stream's life, or all of a day")
    of = whole.add_mutually_exclusive_group(required=True)
    of.add_argument("--stream", help="its stream_id")
    of.add_argument("--date", type=date.fromisoformat, help="2026-11-22, UTC")
    _add_statement_verbs(verbs)
    for verb in verbs.choices.values():
        verb.add_argument("--api", required=True, help="the coordinator's URL")
        verb.add_argument("--out", type=Path, help="where the verdict is written, as JSON")
    asked = parser.parse_args(argv)
    status = _status(asked)
    if asked.out:
        asked.out.parent.mkdir(exist_ok=True)
        verdict = {"verb": asked.verb, "status": status, "verdict": VERDICTS[status]}
        asked.out.write_text(json.dumps(verdict) + "\n")
    return status


def _status(asked: argparse.Namespace) -> int:
    run = {"schedule": _schedule, "statement": _statement, "dry-run": _dry_run, "all": _all}
    try:
        return asyncio.run(run[asked.verb](asked))
    except httpx.HTTPStatusError as error:
        answer = error.response
        print(f"{error.request.url}: {answer.status_code} {answer.text[:300]}", file=sys.stderr)
    except httpx.UnsupportedProtocol:
        print(f"{asked.api} is no URL of a coordinator: it begins with https://", file=sys.stderr)
    except httpx.HTTPError as error:
        print(f"{asked.api} does not answer: {error}", file=sys.stderr)
    except (httpx.InvalidURL, json.JSONDecodeError) as error:
        print(f"{asked.api} is not the URL of a coordinator: {error}", file=sys.stderr)
    return 2


async def _schedule(asked: argparse.Namespace) -> int:
    async with httpx.AsyncClient(base_url=asked.api) as client:
        return await verify_schedule(PublicRecord(client), asked.date)


async def _all(asked: argparse.Namespace) -> int:
    async with httpx.AsyncClient(base_url=asked.api) as client:
        whole = Whole(PublicRecord(client), time.time())
        if asked.stream:
            await whole.stream(asked.stream)
        else:
            if not await whole.day(asked.date):
                whole.untold.append(f"{asked.date}: its draws, before the day is over and opened")
            await whole.statements_of_day(asked.date)
        return whole.verdict()


def _add_statement_verbs(verbs: Any) -> None:
    statement = verbs.add_parser("statement", help="recompute a settled epoch of a stream")
    dry = verbs.add_parser("dry-run", help="settle past epochs under other terms; writes nothing")
    for verb in (statement, dry):
        verb.add_argument("--stream", required=True, help="its stream_id")
        verb.add_argument("--epoch", type=int, required=True, help="(the first) epoch's number")
    dry.add_argument("--until", type=int, help="first epoch that is left out; default one epoch")
    dry.add_argument("--rate", type=_tokens, help="tokens a node-hour")
    dry.add_argument("--max-paid-nodes", type=int)
    dry.add_argument("--network-percent", type=int)


def _tokens(amount: str) -> int:
    try:
        return parse_tokens(amount)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


async def _statement(asked: argparse.Namespace) -> int:
    async with httpx.AsyncClient(base_url=asked.api) as client:
        return await verify_statement(PublicRecord(client), asked.stream, asked.epoch, time.time())


async def _dry_run(asked: argparse.Namespace) -> int:
    wanted = {
        "rate_micros_per_hour": asked.rate,
        "max_paid_nodes": asked.max_paid_nodes,
        "network_percent": asked.network_percent,
    }
    changes = {name: value for name, value in wanted.items() if value is not None}
    epochs = range(asked.epoch, asked.until or asked.epoch + 1)
    async with httpx.AsyncClient(base_url=asked.api) as client:
        return await dry_run(PublicRecord(client), asked.stream, epochs, changes, time.time())


if __name__ == "__main__":
    sys.exit(quiet_when_unread(lambda: main(sys.argv[1:])))
