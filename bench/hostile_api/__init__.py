"""`make hostile-api`: what strangers may send to the api, each with what has to come of it."""
