"""What the operator is told without asking, through the services that NOTIFY_URLS names."""
