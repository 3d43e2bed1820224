"""Chance against every reader of strangers' bytes, led by the lines that it reaches."""
