"""What anybody can ask the coordinator: the only source of everything the demo shows.

Amounts become whole micro-tokens here, exactly, and stay that.
"""

from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, TypeVar

import httpx
from pydantic import BaseModel, BeforeValidator, Field, ValidationError

MICROS_PER_TOKEN = 1_000_000
REQUEST_SECONDS_MAX = 5.0
_PAGES_MAX = 100


def micros_of(tokens: object) -> int:
    """Micro-tokens of a decimal string of tokens; ValueError if it is not one, or not exact."""
    if not isinstance(tokens, str):
        raise ValueError(  # noqa: TRY004 - pydantic reports ValueErrors only
            f"an amount is a decimal string, not {tokens!r}"
        )
    try:
        micros = Decimal(tokens) * MICROS_PER_TOKEN
    except InvalidOperation:
        raise ValueError(f"an amount is a decimal string, not {tokens!r}") from None
    if not micros.is_finite() or micros != micros.to_integral_value():
        raise ValueError(f"{tokens!r} tokens are not a whole number of micro-tokens")
    return int(micros)


def tokens_of(micros: int) -> str:
    """The decimal string of an amount: 1250000 → "1.25"."""
    sign, micros = ("-", -micros) if micros < 0 else ("", micros)
    whole, rest = divmod(micros, MICROS_PER_TOKEN)
    return f"{sign}{whole}.{rest:06d}".rstrip("0").rstrip(".")


Micros = Annotated[int, BeforeValidator(micros_of)]


class Registration(BaseModel):
    """The answer to `POST /streams`."""

    stream_id: str
    publish_url: str


class PublicStream(BaseModel):
    """`GET /streams/{id}`."""

    stream_id: str
    status: str
    ingest_url: str
    play_url: str
    balance_micros: Micros = Field(alias="balance")


class PublicNode(BaseModel):
    """One of `GET /nodes`."""

    node_id: str
    stream_id: str
    status: str
    reason: str
    says: str = ""
    fix: str = ""
    minutes_up: int = 0
    minutes_due: int = 0
    checks_passed: int = 0
    checks_failed: int = 0
    earned_micros: Micros = Field(alias="earned", default=0)


class PublicRow(BaseModel):
    """One node in one statement."""

    node_id: str
    minutes_due: int
    minutes_up: int
    earned_micros: Micros = Field(alias="earned")
    reason: str


class PublicStatement(BaseModel):
    """One of `GET /streams/{id}/statements`. `starts_at` and `ends_at` are RFC 3339."""

    epoch: int
    starts_at: str
    ends_at: str
    rows: list[PublicRow]
    paid_micros: Micros = Field(alias="paid")
    balance_after_micros: Micros = Field(alias="balance_after")


class ApiError(Exception):
    """The api could not be asked, or its answer makes no sense. The message says which."""


Model = TypeVar("Model", bound=BaseModel)


class PublicApi:
    """A client of the coordinator's public face, as any outsider would write one."""

    def __init__(self, base_url: str) -> None:
        self._client = httpx.AsyncClient(
            base_url=base_url, timeout=REQUEST_SECONDS_MAX, trust_env=False
        )

    async def close(self) -> None:
        await self._client.aclose()

    async def healthy(self) -> bool:
        """Whether `/healthz` answers 200."""
        try:
            return (await self._client.get("/healthz")).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    async def register(self, sponsor_key: str, wish: dict[str, Any]) -> Registration:
        """`POST /streams` as a sponsor. Raises ApiError."""
        authorization = {"Authorization": f"Bearer {sponsor_key}"}
        answer = await self._send("POST", "/streams", json=wish, headers=authorization)
        return _parse(Registration, answer)

    async def stream(self, stream_id: str) -> PublicStream:
        """Raises ApiError."""
        return _parse(PublicStream, await self._send("GET", f"/streams/{stream_id}"))

    async def nodes(self) -> list[PublicNode]:
        """All nodes of all streams. Raises ApiError."""
        return await self._pages(PublicNode, "/nodes", "nodes")

    async def statements(self, stream_id: str) -> list[PublicStatement]:
        """All statements of a stream, oldest first. Raises ApiError."""
        whole: dict[int, PublicStatement] = {}
        path = f"/streams/{stream_id}/statements"
        for part in await self._pages(PublicStatement, path, "statements"):
            if part.epoch in whole:  # the page before had no room for all of its rows
                whole[part.epoch].rows.extend(part.rows)
            else:
                whole[part.epoch] = part
        return [whole[epoch] for epoch in sorted(whole)]

    async def _pages(self, model: type[Model], path: str, key: str) -> list[Model]:
        found: list[Model] = []
        parameters: dict[str, str] = {}
        for _ in range(_PAGES_MAX):
            answer = await self._send("GET", path, params=parameters)
            if not isinstance(answer.get(key), list):
                raise ApiError(f"{path} answers without a list of {key}")
            found += [_parse(model, item) for item in answer[key]]
            if not (token := answer.get("next_page_token")):
                return found
            parameters = {"page_token": str(token)}
        raise ApiError(f"{path} has more than {_PAGES_MAX} pages")

    async def _send(self, method: str, path: str, **rest: Any) -> dict[str, Any]:
        try:
            answer = await self._client.request(method, path, **rest)
            body = answer.json()
        except httpx.HTTPError as error:
            raise ApiError(f"{method} {path}: {type(error).__name__} {error}".strip()) from error
        except ValueError:
            raise ApiError(f"{method} {path}: {answer.status_code} without JSON") from None
        if not answer.is_success or not isinstance(body, dict):
            raise ApiError(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
        return body


def _parse(model: type[Model], item: object) -> Model:
    try:
        return model.model_validate(item)
    except ValidationError as error:
        raise ApiError(f"the api's {model.__name__} is not as documented: {error}") from error
