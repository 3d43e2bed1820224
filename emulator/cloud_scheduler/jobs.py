"""A job as it is defined: what is called, when, how long and how often again. Pure."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from emulator.cloud_scheduler.cron import Schedule

JOB_ID = re.compile(r"[A-Za-z0-9_-]{1,500}")
DEADLINE_S_MIN, DEADLINE_S_MAX = 15.0, 1800.0
"""What the cloud accepts; a job of the command line may have less."""
RETRIES_MAX = 5


class JobError(ValueError):
    """A job that cannot be; the message says what to write."""


@dataclass(frozen=True, slots=True)
class Retry:
    """What follows a failed attempt; the defaults are Cloud Scheduler's."""

    count: int = 0
    seconds_max: float = 0.0
    """0: no limit of its own. With a count, both limits must be reached."""
    backoff_min_s: float = 5.0
    backoff_max_s: float = 3600.0
    doublings_max: int = 5

    def is_due(self, retries: int, elapsed_s: float) -> bool:
        """Whether another attempt follows after so many retries."""
        if self.seconds_max:
            return retries < self.count or elapsed_s < self.seconds_max
        return retries < self.count

    def pause_s(self, retries: int) -> float:
        """How long to wait before the retry after `retries` others: doubles, then grows evenly."""
        doublings = min(retries, self.doublings_max)
        even = retries - doublings
        pause_s: float = self.backoff_min_s * 2**doublings * (1 + even)
        return min(pause_s, self.backoff_max_s)


@dataclass(frozen=True, slots=True)
class Job:
    """One thing to call, again and again."""

    id: str
    url: str
    schedule: Schedule
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    deadline_s: float = 180.0
    retry: Retry = Retry()
    identity: str = ""
    """E-mail of the service account that the OIDC token speaks for; none without it."""
    audience: str = ""
    description: str = ""
    is_paused: bool = False

    def __post_init__(self) -> None:
        if not JOB_ID.fullmatch(self.id):
            raise JobError(f"a job's id is letters, digits, - and _, not {self.id!r}")
        if not re.match(r"https?://[^/\s]+", self.url):
            raise JobError(f"a job calls an http URL, not {self.url!r}")
        if not 0 <= self.retry.count <= RETRIES_MAX:
            raise JobError(f"retry_count is 0 to {RETRIES_MAX}, not {self.retry.count}")

    @classmethod
    def parse(cls, text: str) -> "Job":
        """From `NAME,URL,SECONDS`. Raises ValueError with what is wrong."""
        name, _, rest = text.partition(",")
        url, _, seconds = rest.rpartition(",")
        if not name or not url.startswith(("http://", "https://")):
            raise JobError(f"a job is NAME,URL,SECONDS with an http URL, not {text!r}")
        if not seconds.isdigit():
            raise JobError(f"a job's interval is a whole number of seconds, not {seconds!r}")
        return cls(name, url, Schedule.parse(f"every {int(seconds)} seconds"), deadline_s=60.0)


def defined(
    path: Path,
    urls: Mapping[str, str],
    shards: int = 1,
    partitions: int = 1,
    identity: str = "scheduler@local",
) -> list[Job]:
    """The jobs of a definition that Terraform reads too, for functions at these addresses."""
    definition = json.loads(path.read_text())
    jobs = []
    for name, said in definition["jobs"].items():
        if said["function"] not in urls:
            raise JobError(f"no address is given for {said['function']}, which {name} calls")
        url = urls[said["function"]].rstrip("/")
        retry = said["retry"]
        for part in range(_parts_of(name, shards, partitions)):
            jobs.append(
                Job(
                    _named(name, part),
                    url + _named(said["path"], part),
                    Schedule.parse(said["schedule"], definition["time_zone"]),
                    deadline_s=said["attempt_deadline_s"],
                    retry=Retry(
                        retry["count"],
                        0.0,
                        retry["backoff_min_s"],
                        retry["backoff_max_s"],
                        retry["doublings_max"],
                    ),
                    identity=identity,
                    audience=url,
                    description=said["description"],
                )
            )
    return jobs


def _parts_of(name: str, shards: int, partitions: int) -> int:
    """How many jobs a definition makes."""
    if "{shard}" in name:
        return shards
    return partitions if "{partition}" in name else 1


def _named(template: str, part: int) -> str:
    return template.replace("{shard}", str(part)).replace("{partition}", str(part))
