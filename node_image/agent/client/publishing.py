"""Whether a publisher may send to the ingest: reads nginx-rtmp's question, asks the coordinator."""

import logging
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qsl

from agent.client.coordinator import CoordinatorAwayError, CoordinatorRefusalError
from agent.log import log
from agent.stream_ids import STREAM_ID_PATTERN

QUESTION_BYTES_MAX = 8192
# nginx-rtmp gives up on its question after 10 s; the answer has to be there before.
ASK_S_MAX = 6.0
_STREAM_KEY_CHARS_MAX = 256
_ONCE = ("call", "app", "name", "key")

AskCoordinator = Callable[[str, str], Awaitable[None]]
"""Takes a stream's id and key; raises CoordinatorAwayError or CoordinatorRefusalError for a no."""


class QuestionError(Exception):
    """What nginx passed on is not a publication that could be right. The message says why."""


def read_question(body: bytes) -> tuple[str, str]:
    """The stream's id and key in nginx-rtmp's form. Raises QuestionError. Pure."""
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=64)
    except (UnicodeDecodeError, ValueError) as e:
        raise QuestionError("The request cannot be read.") from e
    fields: dict[str, str] = {}
    for name, value in pairs:
        # nginx appends the publisher's own arguments to its form as they are: a second `name`
        # among them would have the key of one stream open another.
        if name in fields and name in _ONCE:
            raise QuestionError(f"The request says {name} twice.")
        fields.setdefault(name, value)
    if fields.get("call") != "publish" or fields.get("app") != "live":
        raise QuestionError("The request is not to publish on the application live.")
    stream_id, stream_key = fields.get("name", ""), fields.get("key", "")
    if not STREAM_ID_PATTERN.fullmatch(stream_id):
        raise QuestionError("The stream's name is not a stream id.")
    if not 1 <= len(stream_key) <= _STREAM_KEY_CHARS_MAX:
        raise QuestionError("There is no stream key: publish to rtmp://…/live/STREAM_ID?key=KEY.")
    return stream_id, stream_key


async def answer_question(body: bytes, ask: AskCoordinator) -> tuple[int, str]:
    """The HTTP status for nginx (204 lets the publisher in) and the reason, logged as well."""
    stream_id = ""
    try:
        stream_id, stream_key = read_question(body)
        await ask(stream_id, stream_key)
    except QuestionError as e:
        status, reason = 403, str(e)
    except CoordinatorRefusalError as e:
        status, reason = 403, str(e)
    except CoordinatorAwayError as e:
        status, reason = 503, f"The coordinator cannot be asked ({e}): publish again later."
    else:
        log("publisher_accepted", stream_id=stream_id)
        return 204, ""
    log("publisher_refused", logging.WARNING, stream_id=stream_id, reason=reason)
    return status, reason
