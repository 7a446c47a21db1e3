"""Turning dataclasses into bytes, and links between the control process and its workers.

The journal, the outbox and the messages of both workers use it. It imports nothing of the bridge.
"""
