"""The whole network under load: thousands of simulated nodes that come, leave and return."""
