"""What a relay is told to do, by its role."""

from agent.client.answers import RelayedStream
from agent.relay.tasks import ingest_task, node_task
from agent.settings import AgentSettings
from rtmp.addresses import RtmpAddress

STREAM = RelayedStream("k3v9m2x7q4ab", "active", RtmpAddress("203.0.113.5", 1935, "live", "s"))


def settings(**env: str) -> AgentSettings:
    """With what has to be said."""
    return AgentSettings.from_env({"COORDINATOR_URL": "https://api.example.org", **env})


def test_an_ingest_signs_by_the_key_in_its_volume_and_a_node_has_none() -> None:
    """A node verifies: it needs no secret for that, and no file."""
    ingest = ingest_task(settings(ROLE="ingest", INGEST_KEY="k" * 43, DATA_DIR="/keys"), "hooks")
    node = node_task(settings(STREAM_ID="auto", DATA_DIR="/keys"), STREAM, "hooks")
    assert (ingest.mark_key_file, ingest.upstream) == ("/keys/marks.key", None)
    assert (node.mark_key_file, node.upstream) == ("", STREAM.ingest_url)
    assert node.stream_id == STREAM.stream_id
