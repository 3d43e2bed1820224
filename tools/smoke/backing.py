"""What stands behind the api: databases and who reaches them, machines, jobs."""

from collections.abc import Callable
from dataclasses import astuple

from tools.smoke.ground import Call, CloudMachine, Ground
from tools.smoke.patience import Patience
from tools.smoke.results import NotToldError, WrongError

MACHINES_S_MAX = 240.0
"""A machine pulls its image within two minutes, and is healthy by its second check."""
CALL_S_MAX = 180.0
"""A run of checks outlasts its minute, and logs arrive within another."""
OK, FORBIDDEN, UNKNOWN_TOKEN = 200, 403, 401
Say = Callable[[str], None]


def databases(ground: Ground) -> str | None:
    """Whether conditions on roles admit and refuse the prober; None where there are none."""
    found = ground.databases()
    for name, is_admitted, status in map(astuple, found):
        if status in (0, UNKNOWN_TOKEN) or status >= 500:
            raise NotToldError("database-untold", f"Firestore answers {status} for {name}.")
        if status == OK and not is_admitted:
            raise WrongError(
                "money-open",
                f"The prober may read the database {name}, which holds the tokens: take every "
                "role on databases from it but Terraform's own (firestore.tf).",
            )
        if status == FORBIDDEN and is_admitted:
            raise WrongError(
                "measurements-closed",
                f"The prober may not read the database {name}: a permission takes up to seven "
                "minutes to be known everywhere, so run it again, then apply again.",
            )
        if status not in (OK, FORBIDDEN):
            raise WrongError(
                "no-database", f"Firestore answers {status} for the database {name}: apply again."
            )
    return "The prober reads measurements, and no tokens." if found else None


def machines(ground: Ground, patience: Patience, say: Say) -> str | None:
    """Whether all run and are well; None where nobody could be asked about any."""
    seen: list[CloudMachine] = []

    def look() -> list[CloudMachine] | None:
        found = list(ground.machines())
        if found != seen:
            seen[:] = found
            ill = [f"{each.name} is {_state(each)}" for each in found if not each.is_well]
            say("; ".join(ill) if ill else "all machines are well")
        return found if all(each.is_well for each in found) else None

    found = patience.until(look, MACHINES_S_MAX)
    if found is None:
        ill = next(each for each in seen if not each.is_well)
        raise WrongError(
            "machine-ill",
            f"{ill.name} is {_state(ill)}: its log says whether it got its image and its key "
            "(docs/ops.md, When an alert comes).",
        )
    return f"{', '.join(each.name for each in found)}: well." if found else None


def _state(machine: CloudMachine) -> str:
    return f"{machine.status} {machine.health}".strip()


def jobs(ground: Ground, patience: Patience, say: Say) -> str:
    """Whether each job's call comes through. All are called first: they take their time at once."""
    found = ground.jobs()
    calls = [(job, ground.call(job)) for job in found]
    for job, call in calls:
        say(f"waiting for `{job.function.event}` of {job.id}, {CALL_S_MAX:.0f} s at most")

        def look(call: Call = call) -> bool | None:
            if failure := call.failure():
                raise WrongError("job-failed", failure)
            return call.has_come_through() or None

        if patience.until(look, CALL_S_MAX) is None:
            raise WrongError(
                "job-silent",
                f"{job.id} was called, and {job.function} did not log `{job.function.event}`: "
                "look at its log for errors.",
            )
    return f"{', '.join(job.id for job in found)}: called, and came through."
