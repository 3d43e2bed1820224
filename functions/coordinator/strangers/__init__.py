"""Strangers whose bytes we take: which addresses may be called, and what a relay says."""
