"""A network that lives for an hour: what grows in it although nothing does around it."""
