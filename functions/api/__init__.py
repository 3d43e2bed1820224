"""What sponsors, operators and viewers ask: the network's public face."""

__version__ = "0.1.0"
