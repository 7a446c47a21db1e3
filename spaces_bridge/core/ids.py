"""Identifiers: each kind is a type of its own, so that none is taken for another."""

from typing import NewType

SpaceId = NewType("SpaceId", str)
"""Our own id of a live space, 16 lower-case letters and digits, the same for ever."""

UserId = NewType("UserId", str)
"""A Matrix user id (`@alice:example.org`). A guest has the id of the ghost it would get."""

RoomId = NewType("RoomId", str)
"""A Matrix room id. Version 12 ids name no server: never parse one."""

EventId = NewType("EventId", str)
"""A Matrix event id."""

UtteranceId = NewType("UtteranceId", str)
"""The id of one finished utterance, derived from its speaker and its start."""
