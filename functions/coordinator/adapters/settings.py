"""What each function is told by environment variables; read once, in `main.py`, loudly.

A wrong or missing variable ends the process with one sentence per variable. Unknown ones are
left alone: platforms set many of their own.
"""

import base64
import re
from collections.abc import Mapping
from typing import Annotated, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from coordinator.adapters.outbound.control_names import CONTROL_NAMES, CONTROL_NAMES_MAX
from coordinator.checking.checks import Control
from coordinator.checking.lengths import GRACE_S_MIN, GRACE_SECONDS, PATIENT_CHECK_SECONDS
from coordinator.checking.lottery import LOTTERY_KEY_CHARACTERS_MIN
from coordinator.checking.partitions import PARTITIONS_MAX
from coordinator.epochs import Calendar
from coordinator.keys import INGEST_KEY_PATTERN, NAME_PATTERN, node_id_of, sha256_hex
from coordinator.ledger.published_settings import CHECKS_PER_HOUR
from coordinator.ledger.terms import UNKNOWN_MINUTES_MAX
from coordinator.sweeping.shards import SHARDS_MAX

Sha256Hex = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
RtmpBase = Annotated[str, Field(pattern=r"^rtmp://[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?/[a-z]{1,16}$")]


class SettingsError(SystemExit):
    """Ends the process with a message that names each wrong variable."""


def _names(raw: object) -> object:
    """`n1,n2` -> ("n1", "n2")."""
    if not isinstance(raw, str):
        return raw
    return tuple(name.strip() for name in raw.split(",") if name.strip())


HostNames = Annotated[
    tuple[Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]{1,253}$")], ...],
    BeforeValidator(_names),
]


class Settings(BaseModel):
    """What every function needs to know."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    google_cloud_project: str = Field(min_length=1)
    measurement_database: str = "(default)"
    money_database: str = "money"
    sweep_seconds: int = Field(60, ge=1, le=3600)
    check_seconds: int = Field(60, ge=1, le=3600)
    epoch_seconds: int = Field(3600, ge=1, le=86_400)
    grace_seconds: int = Field(GRACE_SECONDS, ge=0, le=86_400)
    shards: int = Field(1, ge=1, le=SHARDS_MAX)
    partitions: int = Field(1, ge=1, le=PARTITIONS_MAX)
    control_names: HostNames = Field(CONTROL_NAMES, min_length=1, max_length=CONTROL_NAMES_MAX)
    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$")

    @property
    def parts(self) -> tuple[int, int]:
        """Into how many shards, and parts of the prober, nodes are divided."""
        return self.shards, self.partitions

    @property
    def calendar(self) -> Calendar:
        """The lengths that everything is counted in."""
        return Calendar(
            self.sweep_seconds, self.check_seconds, self.epoch_seconds, self.grace_seconds
        )

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self:
        """The settings, or SettingsError with a sentence for every variable that is wrong."""
        known = {
            name: environ[name.upper()] for name in cls.model_fields if environ.get(name.upper())
        }
        try:
            settings = cls.model_validate(known)
            _ = settings.calendar
        except ValidationError as error:
            raise SettingsError(_sentences(error)) from None
        except ValueError as error:
            raise SettingsError(f"EPOCH_SECONDS, SWEEP_SECONDS: {error}") from None
        return settings


def _sentences(error: ValidationError) -> str:
    lines = []
    for problem in error.errors(include_url=False, include_input=False):
        name = str(problem["loc"][0]).upper() if problem["loc"] else "Together"
        says = "is not set" if problem["type"] == "missing" else problem["msg"]
        lines.append(f"{name}: {says}. See docs/architecture.md, Settings.")
    return "\n".join(lines)


def _node_ids(given: object) -> object:
    """Whoever makes a control node has its key, and not its id: a key stands for it."""
    named = _names(given)
    return tuple(map(_node_id, named)) if isinstance(named, tuple) else named


def _node_id(named: str) -> str:
    key = _NODE_KEY.fullmatch(named)
    if key is None:
        return named
    secret = Ed25519PrivateKey.from_private_bytes(base64.urlsafe_b64decode(key[1] + "="))
    return node_id_of(secret.public_key().public_bytes_raw())


_NODE_KEY = re.compile(r"ed25519:([A-Za-z0-9_-]{43})")
"""As node.key has it."""
NodeIds = Annotated[
    tuple[Annotated[str, Field(pattern=NAME_PATTERN.pattern)], ...], BeforeValidator(_node_ids)
]


JobNames = Annotated[
    tuple[Annotated[str, Field(pattern=r"^projects/[^/,]+/locations/[^/,]+/jobs/[\w-]+$")], ...],
    BeforeValidator(_names),
]


class JobSettings(Settings):
    """Of those that resume or pause the scheduler's jobs."""

    scheduler_jobs: JobNames = ()
    """All of them, as they are shown."""
    scheduler_switched: JobNames = ()
    """Those that are paused while there is nothing to measure."""
    scheduler_emulator_host: str = ""


class ApiSettings(JobSettings):
    """The api's own."""

    ingest_url: RtmpBase
    public_url: str | None = Field(None, pattern=r"^https?://[^\s/]+$")
    ingest_key: str = Field("", pattern=f"^({INGEST_KEY_PATTERN.pattern})?$", repr=False)
    ingest_key_hash: Sha256Hex | None = None
    allow_private_addresses: bool = False
    trusted_proxies: int = Field(0, ge=0, le=8)
    requests_per_second: float = Field(10.0, gt=0, le=100_000)

    @property
    def ingest_key_sha256(self) -> str:
        """By which the ingest is known, whichever of the two was set."""
        return self.ingest_key_hash or sha256_hex(self.ingest_key)

    @model_validator(mode="after")
    def _the_ingest_is_known_in_one_way(self) -> Self:
        if bool(self.ingest_key) == bool(self.ingest_key_hash):
            raise ValueError("set either INGEST_KEY or INGEST_KEY_HASH, and not both")
        return self


class CollectorSettings(Settings):
    """The collector's own."""

    allow_private_addresses: bool = False


class RateSettings(Settings):
    """Of those that draw, or publish what is drawn by."""

    checks_per_hour: int = Field(CHECKS_PER_HOUR, ge=1, le=3600)

    @model_validator(mode="after")
    def _at_most_one_check_a_draw(self) -> Self:
        if self.checks_per_hour * self.check_seconds > 3600:
            raise ValueError(
                f"CHECKS_PER_HOUR: at most {3600 // self.check_seconds}, one per CHECK_SECONDS"
            )
        return self


class ProberSettings(RateSettings):
    """The prober's own."""

    ingest_url: RtmpBase
    lottery_key: str = Field(min_length=LOTTERY_KEY_CHARACTERS_MIN)
    allow_private_addresses: bool = False
    control_good_nodes: NodeIds = ()
    control_bad_nodes: NodeIds = ()

    @property
    def controls(self) -> dict[str, Control]:
        """Control nodes, by node id."""
        good = dict.fromkeys(self.control_good_nodes, Control.GOOD)
        return good | dict.fromkeys(self.control_bad_nodes, Control.BAD)

    @model_validator(mode="after")
    def _its_longest_check_is_in_time(self) -> Self:
        if self.check_seconds >= PATIENT_CHECK_SECONDS and self.grace_seconds < GRACE_S_MIN:
            raise ValueError(
                f"GRACE_SECONDS: at least {GRACE_S_MIN:.0f}, the longest check with its retest"
            )
        return self


class PayoutSettings(JobSettings, RateSettings):
    """The payout's own."""

    allow_private_addresses: bool = False
    holding_epochs: int = Field(24, ge=0, le=168)
    network_share_percent: int = Field(20, ge=1, le=100)
    unknown_minutes_max: int = Field(UNKNOWN_MINUTES_MAX, ge=0, le=60)
