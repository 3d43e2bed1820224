"""What a coordinator could falsify of what it publishes, and who finds it."""
