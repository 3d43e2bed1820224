"""What is put on record of one connection: the numbers of its proof, and what a decoder found."""

from typing import Any

from coordinator.adapters.media.joint_reader import NOTHING, JointReader
from coordinator.adapters.media.rtmp_reader import Footage
from coordinator.adapters.media.second_reader import AGAIN_SECONDS_MAX, SECONDS_MAX, reading_of
from coordinator.proof.captures import Capture
from coordinator.proof.judging import Proof
from coordinator.proof.second_opinion import Opinion, opinion_of


async def second_opinion(
    capture: Capture, footage: Footage | None, joint: JointReader | None
) -> tuple[Opinion | None, dict[str, Any], bytes | None]:
    """(what the second reader says, the same as evidence, a picture of what was captured).

    Nothing where it was not asked. `joint`: it may be read beside others first."""
    if footage is None or not footage.messages:
        return None, {}, None
    packets, seconds_max = capture.packets[: footage.packets], SECONDS_MAX
    reading, opinion = NOTHING, Opinion.UNPLAYABLE
    if joint is not None:
        seconds_max = AGAIN_SECONDS_MAX
        reading = await joint.reading_of(footage.messages)
        opinion = opinion_of(packets, reading)
    if opinion is Opinion.UNPLAYABLE:  # what others have a part in is held against nobody
        try:
            reading = await reading_of(footage.messages, seconds_max)
        except OSError:  # no process was free just then, which says nothing of the node
            return None, {}, None
        opinion = opinion_of(packets, reading)
    size = {"width": reading.width, "height": reading.height} if reading.width else {}
    codecs = ",".join(reading.codecs)
    evidence = {"second_reader": opinion.value, "codecs": codecs, **size}
    return opinion, evidence, reading.picture


def attempt_of(proof: Proof, capture: Capture) -> dict[str, Any]:
    """The numbers of an attempt, as recorded and shown."""
    lasted = {} if proof.lasted_s is None else {"lasted_s": round(proof.lasted_s, 3)}
    return {
        "started_s": round(capture.started_s, 3),
        "seconds": round(capture.ended_s - capture.started_s, 3),
        "verdict": proof.verdict.value,
        "reason": proof.reason.value,
        "received": proof.received,
        "eligible": proof.eligible,
        "matched": proof.matched,
        "byte_ratio": round(proof.byte_ratio, 4),
        "packet_ratio": round(proof.packet_ratio, 4),
        "foreign_ratio": round(proof.foreign_ratio, 4),
        "strangers": proof.strangers,
        "keyframes": proof.keyframes,
        "offset_span_ms": proof.offset_span_ms,
        "lag_s": _rounded(proof.lag_s),
        "delay_s": _rounded(proof.delay_s),
        "delay_growth_s": _rounded(proof.delay_growth_s),
        "creep_s": round(proof.creep_s, 3),
        "bytes": capture.bytes_received,
        "reader": capture.reader.value,
        "ending": capture.ending.value,
        "cpu_s": round(capture.cpu_s, 3),
        "late_s": round(capture.late_s, 3),
        **lasted,
    }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
