"""Whether a publisher may send to the ingest: reads the relay's question, asks the coordinator."""

import logging
from collections.abc import Awaitable, Callable
from typing import NamedTuple
from urllib.parse import parse_qsl

from agent.client.coordinator import CoordinatorAwayError, CoordinatorRefusalError
from agent.log import AgentEvent, log
from agent.stream_ids import STREAM_ID_PATTERN

QUESTION_BYTES_MAX = 8192
# The relay gives up on its question after 8 s; the answer has to be there before.
ASK_S_MAX = 6.0
_STREAM_KEY_CHARS_MAX = 256


class Publication(NamedTuple):
    """What somebody wants to publish, as the relay tells it."""

    stream_id: str
    stream_key: str
    mark_key: str
    """The public key by which the relay will sign it; empty if it signs nothing."""


AskCoordinator = Callable[[Publication], Awaitable[None]]
"""Raises CoordinatorAwayError or CoordinatorRefusalError for a no."""


class QuestionError(Exception):
    """What the relay passed on is not a publication that could be right. The message says why."""


def read_question(body: bytes) -> Publication:
    """What the relay's form says. Raises QuestionError. Pure."""
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=64)
    except (UnicodeDecodeError, ValueError) as e:
        raise QuestionError("The request cannot be read.") from e
    fields = dict(pairs)
    # A second `name` would have the key of one stream open another.
    if len(fields) < len(pairs):
        raise QuestionError("The request says something twice.")
    stream_id, stream_key = fields.get("name", ""), fields.get("key", "")
    if not STREAM_ID_PATTERN.fullmatch(stream_id):
        raise QuestionError("The stream's name is not a stream id.")
    if not 1 <= len(stream_key) <= _STREAM_KEY_CHARS_MAX:
        raise QuestionError("There is no stream key: publish to rtmp://…/live/STREAM_ID?key=KEY.")
    return Publication(stream_id, stream_key, fields.get("mark_key", ""))


async def answer_question(body: bytes, ask: AskCoordinator) -> tuple[int, str]:
    """The HTTP status for the relay (204 lets the publisher in) and the reason, logged as well."""
    stream_id = ""
    try:
        publication = read_question(body)
        stream_id = publication.stream_id
        await ask(publication)
    except QuestionError as e:
        status, reason = 403, str(e)
    except CoordinatorRefusalError as e:
        status, reason = 403, str(e)
    except CoordinatorAwayError as e:
        status, reason = 503, f"The coordinator cannot be asked ({e}): publish again later."
    else:
        log(AgentEvent.PUBLISHER_ACCEPTED, stream_id=stream_id)
        return 204, ""
    log(AgentEvent.PUBLISHER_REFUSED, logging.WARNING, stream_id=stream_id, reason=reason)
    return status, reason
