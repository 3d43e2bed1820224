"""What all bodies share: requests as they are accepted, answers as they are given.

Amounts are decimal strings of tokens, instants RFC 3339 in UTC.
"""

from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import Header
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from api.wire.amounts import WHOLE

StreamId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Port = Annotated[int, Field(ge=1, le=65_535, strict=True), WHOLE]
Instant = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
"""RFC 3339 in UTC, as `timestamp` writes it."""
IdempotencyKey = Annotated[str | None, Header(min_length=1, max_length=200)]
"""A request that is repeated with the same one is done once."""


def timestamp(at_s: float) -> str:
    """RFC 3339 in UTC with milliseconds where there are any."""
    at = datetime.fromtimestamp(at_s, UTC)
    spec = "milliseconds" if at.microsecond else "seconds"
    return at.isoformat(timespec=spec).replace("+00:00", "Z")


class In(BaseModel):
    """A request: nothing in it is passed over."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class HealthOut(BaseModel):
    """The api can read its database."""

    status: Literal["ok"] = "ok"
