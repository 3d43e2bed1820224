"""Relays on a stage learn by which key the ingest signs, as in a real network."""

import asyncio
from pathlib import Path

from agent.relay.restream.questions import Questions
from agent.relay.restream.signatures import raw_key
from bench.stage_agents import StageAgents, made_mark_key
from rtmp.requests import PlayAsked, PublishAsked


async def test_relays_may_play_and_publish_and_know_the_ingests_key(tmp_path: Path) -> None:
    """What they ask is what agents are asked."""
    mark_key = made_mark_key(tmp_path / "marks.key")
    agents = await asyncio.start_server(StageAgents(mark_key).answer, "127.0.0.1", 0)
    async with agents:
        asking = Questions(f"http://127.0.0.1:{agents.sockets[0].getsockname()[1]}")
        told = await asking.mark_key()
        assert told is not None
        assert raw_key(told) == mark_key.public
        assert await asking.may_play(PlayAsked("show", {}), "rtmp://127.0.0.1/live")
        assert await asking.may_publish(PublishAsked("show", {}), mark_key.text)
