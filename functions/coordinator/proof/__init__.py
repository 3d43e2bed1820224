"""Proof of relay: what was served, against what the ingest served."""
