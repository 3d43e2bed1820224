"""Other programs that do the same work, measured in the same run."""
