"""What a node needs, and how soon it recovers; its image."""
