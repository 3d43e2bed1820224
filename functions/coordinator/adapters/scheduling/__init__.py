"""Cloud Scheduler: what is asked of it, and whether its jobs run."""
