"""The jobs that call collector and prober: what is asked of a scheduler."""

from typing import Protocol

from coordinator.sweeping.demand import JobState


class SchedulerError(Exception):
    """The scheduler could not be asked or told: our fault, nobody else's."""


class Scheduler(Protocol):
    """The jobs of a network. Every call raises SchedulerError within its time limit."""

    async def states(self) -> list[JobState]:
        """Every job of the network, in the order of the settings."""
        ...

    async def switch(self, *, on: bool) -> None:
        """Resumes or pauses the jobs that measure; those that stand so already are left alone."""
        ...
