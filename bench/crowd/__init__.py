"""Simulated nodes: the agent's own heartbeats, keys and statistics, without relays of their own."""
