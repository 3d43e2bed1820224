"""`doctor`: examines a node before or while it runs, and ends in one exact fix."""
