"""Routes by noun: each module installs its own."""
