"""The references of a run's streams: each is one connection to the ingest, shared by all checks."""

from coordinator.adapters.media.rtmp_reference import Reference, ReferencePool
from rtmp.addresses import RtmpAddress


class StreamReferences:
    """Holds the references of a run's streams open while it lasts."""

    def __init__(self, pool: ReferencePool, addresses: dict[str, RtmpAddress]) -> None:
        self._pool, self._addresses = pool, addresses

    def __enter__(self) -> dict[str, Reference]:
        return {name: self._pool.acquire(address) for name, address in self._addresses.items()}

    def __exit__(self, *_: object) -> None:
        for address in self._addresses.values():
            self._pool.release(address)
