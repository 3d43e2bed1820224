"""The settings of a network on the wire, with their history."""

from pydantic import BaseModel

from api.wire.common import Instant, example, example_of
from api.wire.example_names import STARTS_AT
from coordinator.ledger.published_settings import RULES


class SettingsOut(BaseModel):
    """What epochs are settled by that began since it was published."""

    model_config = example(
        number=1,
        since=STARTS_AT,
        since_s=1_795_356_000.0,
        sweep_seconds=60,
        check_seconds=60,
        epoch_seconds=3600,
        grace_seconds=535,
        checks_per_hour=4,
        holding_epochs=24,
        network_percent=20,
        network_nodes_free=3,
        unknown_minutes_max=5,
        rules=RULES,
    )

    number: int
    since: Instant
    since_s: float
    """The first one also counts for the epochs before it."""
    sweep_seconds: int
    """Length of a minute."""
    check_seconds: int
    """Length of a draw."""
    epoch_seconds: int
    grace_seconds: int
    """How long after its end an epoch is settled."""
    checks_per_hour: int
    """Expected checks of a node; a day keeps the rate that it was sealed with."""
    holding_epochs: int
    network_percent: int
    network_nodes_free: int
    unknown_minutes_max: int
    rules: int
    """The number of the rules by which epochs are settled."""


class ConfigOut(BaseModel):
    """All settings that there was; entries are added, and never changed."""

    model_config = example(current=example_of(SettingsOut), history=[example_of(SettingsOut)])

    current: SettingsOut | None
    """Null until the payout has been called for the first time."""
    history: list[SettingsOut]
    """Oldest first."""
