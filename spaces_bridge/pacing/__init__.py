"""Limits on how often and how soon something may be done: waits after failures, turns.

It imports nothing of the bridge.
"""
