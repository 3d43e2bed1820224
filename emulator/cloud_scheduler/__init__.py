"""A local Cloud Scheduler: jobs, when they are due, how they are called, and Google's API."""
