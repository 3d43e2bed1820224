"""Spot checks: when they come, what they found, and what that says of a node."""
