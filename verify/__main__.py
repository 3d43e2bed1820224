"""`python -m verify schedule --date … --api …`: what is published, held against itself."""

import argparse
import asyncio
import sys
from datetime import date

import httpx

from verify.public import PublicRecord
from verify.schedule import verify_schedule


def main(argv: list[str]) -> int:
    """Exit status 0: everything agrees; 1: it does not; 2: it cannot be told (yet)."""
    parser = argparse.ArgumentParser(prog="python -m verify", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    schedule = verbs.add_parser("schedule", help="a day's checks against its sealed lottery")
    schedule.add_argument("--date", type=date.fromisoformat, required=True, help="2026-11-22, UTC")
    schedule.add_argument("--api", required=True, help="the coordinator's URL")
    schedule.add_argument("--sweep-seconds", type=int, default=60, help="its SWEEP_SECONDS")
    asked = parser.parse_args(argv)
    try:
        return asyncio.run(_schedule(asked))
    except httpx.HTTPStatusError as error:
        answer = error.response
        print(f"{error.request.url}: {answer.status_code} {answer.text[:300]}", file=sys.stderr)
    except httpx.HTTPError as error:
        print(f"{asked.api} does not answer: {error}", file=sys.stderr)
    return 2


async def _schedule(asked: argparse.Namespace) -> int:
    async with httpx.AsyncClient(base_url=asked.api) as client:
        return await verify_schedule(PublicRecord(client), asked.date, asked.sweep_seconds)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
