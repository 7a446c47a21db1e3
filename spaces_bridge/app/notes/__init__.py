"""Notes that the bridge keeps for later: typed records, each with a stored name and an expiry."""
