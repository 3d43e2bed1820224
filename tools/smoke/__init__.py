"""`make smoke`: whether a network works that was just applied, shown by a stream of its own."""
