"""The ingest's question: read strictly, answered by the coordinator alone."""

import pytest

from agent.client.coordinator import CoordinatorAwayError, CoordinatorRefusalError
from agent.client.publishing import (
    Publication,
    QuestionError,
    answer_question,
    read_question,
)

ASKED = b"name=k3v9m2x7q4ab&key=K1"


def test_the_stream_and_its_key_are_read_from_what_the_relay_sends() -> None:
    assert read_question(ASKED) == Publication("k3v9m2x7q4ab", "K1", "")
    assert read_question(ASKED + b"&mark_key=P").mark_key == "P"


@pytest.mark.parametrize(
    "body",
    [
        ASKED + b"&name=other",
        ASKED + b"&key=K2",
        ASKED.replace(b"name=k3v9m2x7q4ab", b"name=..%2Fx"),
        ASKED.replace(b"&key=K1", b""),
        ASKED.replace(b"K1", b""),
        ASKED.replace(b"K1", b"k" * 300),
        ASKED + b"&a=1" * 100,
        b"\xff",
        b"",
    ],
)
def test_a_question_that_cannot_be_right_is_refused_without_asking(body: bytes) -> None:
    with pytest.raises(QuestionError):
        read_question(body)


async def test_the_coordinator_s_yes_lets_the_publisher_in() -> None:
    asked: list[Publication] = []

    async def yes(publication: Publication) -> None:
        asked.append(publication)

    assert await answer_question(ASKED, yes) == (204, "")
    assert asked == [Publication("k3v9m2x7q4ab", "K1", "")]


async def test_a_no_an_absence_and_an_odd_question_keep_the_publisher_out() -> None:
    async def no(_: Publication) -> None:
        raise CoordinatorRefusalError(403, "/problems/wrong-stream-key", "The key is wrong.")

    async def away(_: Publication) -> None:
        raise CoordinatorAwayError("ConnectError")

    assert await answer_question(ASKED, no) == (403, "The key is wrong.")
    assert (await answer_question(ASKED, away))[0] == 503
    assert (await answer_question(b"", no))[0] == 403
