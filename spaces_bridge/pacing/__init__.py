"""How often and how soon something may be done: waits after failures, limits, fair turns.

It imports nothing of the bridge.
"""
