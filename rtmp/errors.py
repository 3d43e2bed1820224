"""The package's one error."""


class RtmpError(ValueError):
    """What was given is no RTMP, or more than the limits allow. The message says what."""
