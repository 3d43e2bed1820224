"""What routes and pages ask: one module a service."""
