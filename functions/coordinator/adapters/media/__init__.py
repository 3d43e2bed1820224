"""Media tools and the ingest: connections, captures, pictures."""
