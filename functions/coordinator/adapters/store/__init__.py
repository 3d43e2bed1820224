"""The document store: what is asked of it, what may be stored, and Firestore."""
