"""What the agent asks the coordinator, and what the coordinator says."""
