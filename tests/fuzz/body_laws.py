"""Laws of bodies: what callers send to the api, and what a coordinator answers an agent."""

import contextlib
import json
from collections.abc import Callable, Mapping

from pydantic import BaseModel, ValidationError

from agent.client.answers import (
    NotUnderstoodError,
    parse_candidates,
    parse_heartbeat_answer,
    parse_stream,
    parse_warnings,
)
from agent.stream_ids import STREAM_ID_PATTERN
from api.http.bodies import json_of
from api.http.problems import Problem
from api.wire.common import In, example_of
from api.wire.money import TopUpIn
from api.wire.nodes import DialBackIn, HeartbeatIn, HeartbeatOut
from api.wire.streams import MediaIn, PublishIn, StreamIn, StreamOut
from api.wire.webhooks import WebhookIn
from tests.fuzz.target import Target, halves

MODELS: tuple[type[In], ...] = (
    *(StreamIn, HeartbeatIn, DialBackIn, TopUpIn, WebhookIn, PublishIn, MediaIn),
)
SECONDS_MAX = 1_000_000_000
TEXT_CHARS_MAX = 200


def body_law(data: bytes) -> None:
    """Of the model that the first byte names: refused, or read again as it is written."""
    which, body = halves(data)
    model = MODELS[which % len(MODELS)]
    try:
        said = json_of(body)
    except Problem:
        return
    try:
        found = model.model_validate(said)
    except ValidationError as error:
        assert error.error_count() > 0
        return
    written = found.model_dump_json(exclude_unset=True).encode()
    assert model.model_validate(json_of(written)) == found


def answer_law(data: bytes) -> None:
    """A coordinator may be anybody's: only what is in its form and limits is acted on."""
    which, body = halves(data)
    try:
        said: object = json.loads(body)
    except (ValueError, RecursionError):
        return
    with contextlib.suppress(NotUnderstoodError):
        _HELD[which % len(_HELD)](said)


def _hold_heartbeat(said: object) -> None:
    answer = parse_heartbeat_answer(said)
    assert STREAM_ID_PATTERN.fullmatch(answer.stream.stream_id)
    assert 0 <= answer.next_heartbeat_s <= SECONDS_MAX
    assert 0 <= answer.polled_every_s <= SECONDS_MAX
    assert len(answer.told.stream_name) <= TEXT_CHARS_MAX
    assert ":" not in answer.stream.ingest_url.host


def _hold_candidates(said: object) -> None:
    candidates, _ = parse_candidates(said)
    for each in candidates:
        assert STREAM_ID_PATTERN.fullmatch(each.stream.stream_id)
        assert each.max_paid_nodes >= 1
        assert min(each.nodes_verified, each.reward_micros, each.balance_micros) >= 0


def _hold_stream(said: object) -> None:
    stream = parse_stream(said)
    assert STREAM_ID_PATTERN.fullmatch(stream.stream_id)
    assert ":" not in stream.ingest_url.host


def _hold_warnings(said: object) -> None:
    assert all(len(each) <= 500 for each in parse_warnings(said))


_HELD: tuple[Callable[[object], None], ...] = (
    *(_hold_heartbeat, _hold_candidates, _hold_stream, _hold_warnings),
)


def _seed(which: int, fields: Mapping[str, object]) -> bytes:
    return bytes([which]) + json.dumps(fields).encode()


def _example(model: type[BaseModel]) -> Mapping[str, object]:
    return example_of(model)


_STREAM = _example(StreamOut)
BODY_TARGETS = (
    Target(
        "bodies",
        body_law,
        (
            *(_seed(at, _example(model)) for at, model in enumerate(MODELS)),
            _seed(0, {**_example(StreamIn), "ends_at": "2026-12-01T20:00:00+02:00"}),
        ),
        4_096,
        (
            *(b'"webhook_url":', b'"ends_at":', b'"amount":', b'"stats_url":', b"1e30", b"null"),
            *(b"\\u0000", b"\\ud800", b"\xef\xbb\xbf", b"NaN", b"true", b"0.000001", b"[[[["),
        ),
    ),
    Target(
        "answers",
        answer_law,
        (
            _seed(0, _example(HeartbeatOut)),
            _seed(1, {"streams": [_STREAM], "next_page_token": "x"}),
            _seed(2, _STREAM),
            _seed(3, {"warnings": ["A sentence."]}),
        ),
        4_096,
        (
            b'"ingest_url":',
            b"rtmp://",
            b"99999999999",
            b"1e999",
            b"NaN",
            b"null",
            b'"9999-12-31T23:59:59Z"',
            b"true",
        ),
    ),
)
