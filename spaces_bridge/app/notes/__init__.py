"""What the bridge writes down for later: typed records, each with a stored name and an expiry."""
