"""Moderation: bans and policy lists keep people out, reports are brought to moderators."""
