"""The bounds of an SFU client: what a room, or its relay, can make it do or keep.

Other waits of our own stand beside their code.
"""

from typing import Final

MOST_ROOMS: Final = 256
"""Rooms that one client is in at once."""
MOST_ATTEMPTS: Final = 4
"""Attempts in one room's place that have not ended, those that were left included: a server that
takes connections and says nothing keeps each for a while."""
MOST_PARTICIPANTS: Final = 2000
"""Participants of a room that are told of; those who may publish come first."""
MOST_TRACKS_TOLD: Final = 8
"""Microphone tracks of one participant that are told of."""
MOST_TAKEN: Final = 64
"""Tracks taken of one room at once: everybody on air has one."""
MOST_PUBLISHED: Final = 64
"""Tracks published in one room at once."""
MOST_FRAMES: Final = 3
"""Frames (20 ms) that wait for one published track; the oldest goes when another comes."""

LONGEST_IDENTITY: Final = 1024
"""Characters; nobody with a longer identity is told of. Ours have about 300 at most."""
LONGEST_NAME: Final = 255
"""Characters of a track's name or id; ours are user ids. A longer name is told as none."""
MOST_ATTRIBUTES: Final = 4
"""Attributes of a participant that are told, of those with `OUR_ATTRIBUTES`; there are three."""
OUR_ATTRIBUTES: Final = "io.spacesbridge."
"""What the keys of attributes begin with that are told; all others are nobody's business here."""
LONGEST_ATTRIBUTE: Final = 256
"""Characters of an attribute's key, and of its value; longer ones are left out. The longest of
ours is a user id."""
MOST_SNAPSHOT: Final = 2 * 1024 * 1024
"""Bytes of JSON that tell of a room's participants; who does not fit in is not told of. Of ours
`MOST_PARTICIPANTS` take less than half. A message of twice as much still passes everywhere."""

MOST_TEXTS: Final = 64
"""Texts that wait to be sent into one room; the oldest goes when another comes."""
LONGEST_TEXT: Final = 16 * 1024
"""Characters of a text, and of all its attributes together; a longer one is not sent."""
LONGEST_REASON: Final = 200
"""Characters of a reason why a room was not joined, or was lost."""

SNAPSHOT_EVERY_S: Final = 0.1
"""A room is looked at as soon as it changes, and then no sooner than this."""
SNAPSHOT_EACH_S: Final = 0.001
"""For each participant so much is added to that: a crowd costs more to tell of."""
