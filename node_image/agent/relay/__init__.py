"""The relay: what it has to do, how it is run, watched and measured, and who may play from it."""
