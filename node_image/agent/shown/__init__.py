"""What the node shows of itself to whoever asks, and to the relay's own questions."""
