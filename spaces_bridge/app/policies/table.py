"""The table of consequences: one row per event, and nothing follows that is not in its row.

A row says what becomes untrue on Matrix, what pages show, and whose rights on the page may differ;
then, where there is any, which outbox tasks are wanted, which ports are called, what pages say in
words, and who may not be on the page any more. Rows stand by subject, each beside the functions it
names; the type checker refuses an event without one.
"""

from typing import assert_never

from spaces_bridge.app.policies import access, audio, content, floor, lifecycle, roles
from spaces_bridge.app.policies.consequences import Consequences
from spaces_bridge.core import events as ev


def consequences_of(event: ev.Event) -> Consequences:
    """Return everything that follows from `event`."""
    if isinstance(event, ev.LifecycleEvent):
        return lifecycle.consequences_of(event)
    if isinstance(event, ev.RoleEvent):
        return roles.consequences_of(event)
    if isinstance(event, ev.AccessEvent):
        return access.consequences_of(event)
    if isinstance(event, ev.FloorEvent):
        return floor.consequences_of(event)
    if isinstance(event, ev.AudioEvent):
        return audio.consequences_of(event)
    if isinstance(event, ev.ContentEvent):
        return content.consequences_of(event)
    assert_never(event)
