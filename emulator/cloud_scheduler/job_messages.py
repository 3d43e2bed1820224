"""Jobs as Google's messages say them, and as ours: read, written, and changed by a field mask."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from google.cloud import scheduler_v1

from emulator.cloud_scheduler.cron import Schedule
from emulator.cloud_scheduler.jobs import DEADLINE_S_MAX, DEADLINE_S_MIN, Job, JobError, Retry
from emulator.cloud_scheduler.runner import Runner

DEADLINE_S = 180.0
UNAVAILABLE = 14
"""The gRPC code that a failed attempt is told by."""
_METHODS: Any = scheduler_v1.HttpMethod


def read(said: Any, *, is_paused: bool = False) -> Job:
    """Our job. Raises JobError or ScheduleError with what to write."""
    if "http_target" not in said:
        raise JobError("only http_target is called here, no Pub/Sub and no App Engine")
    target, retry = said.http_target, said.retry_config
    deadline_s = said.attempt_deadline.total_seconds() if said.attempt_deadline else DEADLINE_S
    if not DEADLINE_S_MIN <= deadline_s <= DEADLINE_S_MAX:
        raise JobError(f"attempt_deadline is {DEADLINE_S_MIN:g} s to {DEADLINE_S_MAX:g} s")
    if target.oauth_token.service_account_email:
        raise JobError("an oauth_token cannot be made here: use oidc_token")
    method = target.http_method or _METHODS.POST
    default = Retry()
    return Job(
        id=said.name.rpartition("/")[2],
        url=target.uri,
        schedule=Schedule.parse(said.schedule, said.time_zone or "Etc/UTC"),
        method=_METHODS(method).name,
        headers=dict(target.headers),
        body=bytes(target.body),
        deadline_s=deadline_s,
        retry=Retry(
            retry.retry_count,
            _seconds(retry.max_retry_duration, 0.0),
            _seconds(retry.min_backoff_duration, default.backoff_min_s),
            _seconds(retry.max_backoff_duration, default.backoff_max_s),
            retry.max_doublings or default.doublings_max,
        ),
        identity=target.oidc_token.service_account_email,
        audience=target.oidc_token.audience,
        description=said.description,
        is_paused=is_paused,
    )


def written(name: str, runner: Runner) -> Any:
    """Google's message of a job and of how it fares."""
    job, record = runner.job, runner.record
    states = scheduler_v1.Job.State
    target: dict[str, Any] = {
        "uri": job.url,
        "http_method": _METHODS[job.method],
        "headers": dict(job.headers),
        "body": job.body,
    }
    if job.identity:
        target["oidc_token"] = {
            "service_account_email": job.identity,
            "audience": job.audience or job.url,
        }
    status = {"code": UNAVAILABLE, "message": record.failure} if record.failure else {}
    return scheduler_v1.Job(
        name=name,
        description=job.description,
        http_target=target,
        schedule=job.schedule.text,
        time_zone=job.schedule.time_zone,
        state=states.PAUSED if job.is_paused else states.ENABLED,
        status=status,
        schedule_time=_instant(record.next_s),
        last_attempt_time=_instant(record.attempt_s),
        retry_config={
            "retry_count": job.retry.count,
            "max_retry_duration": _duration(job.retry.seconds_max),
            "min_backoff_duration": _duration(job.retry.backoff_min_s),
            "max_backoff_duration": _duration(job.retry.backoff_max_s),
            "max_doublings": job.retry.doublings_max,
        },
        attempt_deadline=_duration(job.deadline_s),
    )


def masked(before: Any, said: Any, paths: Sequence[str]) -> Any:
    """`before` with the fields of the mask taken from `said`; all of them for an empty mask.

    Raises ValueError for a path that no job has."""
    if not paths:
        return said
    merged = scheduler_v1.Job(before)
    for path in paths:
        *parents, last = path.split(".")
        into, out = merged, said
        for parent in parents:
            into, out = _field(into, parent, path), _field(out, parent, path)
        _field(into, last, path)
        setattr(into, last, getattr(out, last))
    return merged


def _field(message: Any, name: str, path: str) -> Any:
    try:
        return getattr(message, name)
    except AttributeError:
        raise ValueError(f"update_mask names no field of a job: {path}") from None


def _seconds(duration: Any, default: float) -> float:
    seconds: float = duration.total_seconds() if duration else default
    return seconds


def _duration(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


def _instant(at_s: float | None) -> datetime | None:
    return datetime.fromtimestamp(at_s, UTC) if at_s is not None else None
