"""The campaign: a whole network on machines of our own making, struck in every way."""
