"""The group of pictures that is kept, so that whoever comes sees a picture at once."""

from rtmp.clock import difference_ms

GOP_BYTES_MAX = 8_000_000
GOP_MS_MAX = 20_000
"""From one key frame on. A longer or larger one is not kept: newcomers begin where it stands."""


class Gop:
    """The pictures and sounds since the last key frame, as they are sent, and their marks."""

    def __init__(self, first_ms: int, preamble: bytes) -> None:
        """`preamble`: metadata and headers as they stood then; later ones are in their place."""
        self.first_ms, self.preamble = first_ms, preamble
        self.parts: list[bytes] = []
        self.size = 0
        self._trusted = 0
        """How many of the parts a mark has proven."""

    def add(self, data: bytes, timestamp_ms: int) -> bool:
        """One more; whether all of them are still to be kept."""
        self.parts.append(data)
        self.size += len(data)
        age_ms = difference_ms(timestamp_ms, self.first_ms)
        return self.size <= GOP_BYTES_MAX and age_ms <= GOP_MS_MAX

    def trust(self) -> None:
        """What is kept until now is what the ingest has signed."""
        self._trusted = len(self.parts)

    @property
    def trusted(self) -> "Gop | None":
        """The part of it that was signed; None if not even its key frame was."""
        if not self._trusted:
            return None
        gop = Gop(self.first_ms, self.preamble)
        gop.parts = self.parts[: self._trusted]
        gop.size = sum(map(len, gop.parts))
        gop.trust()
        return gop
