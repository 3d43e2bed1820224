"""What the settings mean for the coordinator and for the relay. Pure."""

from agent import __version__
from agent.engines.base import Job
from agent.settings import Settings
from agent.streams import Stream


def whereabouts(settings: Settings) -> dict[str, object]:
    """Where the node says that it can be reached."""
    if settings.public_stats_url:
        stats: dict[str, object] = {"stats_url": settings.public_stats_url}
    else:
        stats = {"stats_port": settings.public_stats_port}
    return {**stats, "rtmp_port": settings.public_rtmp_port}


def announcement(settings: Settings) -> dict[str, object]:
    """The heartbeat without its state."""
    return {
        "stream_id": settings.stream_id,
        **whereabouts(settings),
        "agent": __version__,
        "engine": settings.relay_engine,
    }


def node_job(settings: Settings, stream: Stream, hooks: str) -> Job:
    """Pull the stream from where the coordinator says."""
    return Job(
        settings.bind_address, settings.rtmp_port, stream.stream_id, stream.ingest_url, hooks
    )


def ingest_job(settings: Settings, hooks: str) -> Job:
    """Take what publishers send, if the agent's own hooks agree."""
    return Job(settings.bind_address, settings.rtmp_port, settings.stream_id, None, hooks)
