"""Keeping people out and bringing reports to people: bans, policy lists, reports."""
