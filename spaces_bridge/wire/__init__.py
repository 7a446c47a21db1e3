"""How dataclasses become bytes, and how the control process talks with its workers.

The journal, the outbox and the messages of both workers use it. It imports nothing of the bridge.
"""
