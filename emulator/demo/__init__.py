"""The demo: its cast, the network that it makes of them, and what people see of it."""
