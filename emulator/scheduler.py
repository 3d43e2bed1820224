"""A local Cloud Scheduler as a program.

    python -m emulator.scheduler --job NAME,URL,SECONDS [--job …]
    python -m emulator.scheduler --jobs terraform/jobs.json --function collector=http://… […]
    python -m emulator.scheduler --api 8123

The first calls URLs every few seconds; the second runs the cloud's own definitions by their cron
schedules; the third is told its jobs by Google's client. All can be combined. A call that fails is
reported on stdout, in one line. How it differs from the cloud: emulator/README.md.
"""

import argparse
import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Awaitable, Sequence
from pathlib import Path

from emulator.cloud_scheduler import delivery
from emulator.cloud_scheduler.book import Book
from emulator.cloud_scheduler.jobs import Job, defined

HOST = "127.0.0.1"


def say(line: str) -> None:
    """One line, at once."""
    print(line, flush=True)


@contextlib.asynccontextmanager
async def opened(options: argparse.Namespace, jobs: Sequence[Job]) -> AsyncIterator[Book]:
    """The scheduler with its jobs running and its ports open. Raises OSError for a taken port."""
    async with contextlib.AsyncExitStack() as stack:
        client = await stack.enter_async_context(delivery.client())
        book = Book(delivery.caller(client), say)
        stack.push_async_callback(book.stop)
        for job in jobs:
            book.add(f"{options.parent}/jobs/{job.id}", job)
        if options.api is not None:
            # Google's libraries take half a second to import: only who asks for the API waits.
            from emulator.cloud_scheduler import service  # noqa: PLC0415

            server, port = await service.serve(book, options.host, options.api)
            stack.push_async_callback(server.stop, 0)
            say(f"listening for the API's callers on {options.host}:{port}")
        yield book


def parsed(argv: Sequence[str] | None) -> tuple[argparse.Namespace, list[Job]]:
    """Options and jobs; ends the program with what to write if they make no sense."""
    parser = argparse.ArgumentParser(prog="python -m emulator.scheduler", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add = parser.add_argument
    add("--job", action="append", default=[], metavar="NAME,URL,SECONDS")
    add("--jobs", type=Path, metavar="FILE", help="definitions that Terraform reads too")
    add("--function", action="append", default=[], metavar="NAME=URL", help="who --jobs calls")
    add("--shards", type=int, default=1, help="how many jobs a {shard} makes (1)")
    add("--partitions", type=int, default=1, help="how many jobs a {partition} makes (1)")
    add("--host", default=HOST, help=f"address that the ports are opened on ({HOST})")
    add("--api", type=int, metavar="PORT", help="serve the API over gRPC")
    add("--parent", default="projects/demo-restream/locations/local", help="names of jobs")
    options = parser.parse_args(argv)
    try:
        jobs = [Job.parse(text) for text in options.job]
        if options.jobs:
            urls = dict(entry.split("=", 1) for entry in options.function)
            jobs += defined(options.jobs, urls, options.shards, options.partitions)
    except (ValueError, OSError) as error:
        parser.error(str(error))
    if not jobs and options.api is None:
        parser.error("no job: write --job, --jobs or --api")
    return options, jobs


async def run(options: argparse.Namespace, jobs: Sequence[Job]) -> None:
    """Until it is cancelled."""
    async with opened(options, jobs):
        await asyncio.Event().wait()


def main(argv: Sequence[str] | None = None) -> None:
    options, jobs = parsed(argv)
    asyncio.run(_until_terminated(run(options, jobs)))


async def _until_terminated(work: Awaitable[None]) -> None:
    task = asyncio.ensure_future(work)
    for stop in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(stop, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task


if __name__ == "__main__":
    main()
