"""An adversary who searches: the real rules, the real lottery, simulated media.

`simulated_network` is the world, minute by minute. `policies` say what a machine does in it, and
`evolution` looks for those that are paid more than they serve. `make search-strategies` runs it.
"""
