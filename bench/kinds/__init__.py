"""Honest kinds for `make cheats`: publishers of all sorts, and nodes that serve them."""
