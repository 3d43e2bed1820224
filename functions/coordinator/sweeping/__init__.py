"""Sweeps: who takes part, where, and whether they stood there each minute."""
