"""Measuring programs: each prints a table and writes build/<verb>.json."""
