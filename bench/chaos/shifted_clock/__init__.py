"""A clock that is put wrong, for programs of Python: its folder is put on their path."""
