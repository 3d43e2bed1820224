"""HTML for people: pages, badges and feeds."""
