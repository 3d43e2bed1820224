"""What the relay has to do, by the settings and by what the coordinator says. Pure."""

from agent.client.answers import RelayedStream
from agent.node_key import MARK_KEY_FILE
from agent.relay.engines.engine import RelayTask
from agent.settings import AgentSettings


def node_task(settings: AgentSettings, stream: RelayedStream, hooks: str) -> RelayTask:
    """Pull the stream from where the coordinator says."""
    return RelayTask(
        settings.bind_address,
        settings.rtmp_port,
        stream.stream_id,
        stream.ingest_url,
        hooks,
        settings.flush_ms,
    )


def ingest_task(settings: AgentSettings, hooks: str) -> RelayTask:
    """Take what publishers send, if the agent's own hooks agree, and sign it."""
    return RelayTask(
        settings.bind_address,
        settings.rtmp_port,
        settings.stream_id,
        None,
        hooks,
        settings.flush_ms,
        str((settings.data_dir / MARK_KEY_FILE).absolute()),
    )
