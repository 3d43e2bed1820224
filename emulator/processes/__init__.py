"""Child processes that leave nothing behind, what they print, and the ports they are given."""
