"""Bodies of requests and answers, with their examples."""
