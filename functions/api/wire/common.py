"""What all bodies share: requests as they are accepted, answers as they are given.

Amounts are decimal strings of tokens, instants RFC 3339 in UTC.
"""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

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


def example(**fields: Any) -> ConfigDict:
    """A model's configuration with one example of it, which is shown with its schema."""
    return ConfigDict(json_schema_extra={"examples": [fields]})


def example_of(model: type[BaseModel]) -> dict[str, Any]:
    """A model's example, to stand in another one's."""
    extra: Any = model.model_config["json_schema_extra"]
    return dict(extra["examples"][0])


class HealthOut(BaseModel):
    """The api can read its database."""

    model_config = example(status="ok")

    status: Literal["ok"] = "ok"
