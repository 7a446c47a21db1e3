"""The bounds of what a LiveKit client may ask for and make us keep: each number stands here."""

from typing import Final

JOIN_REQUEST_MAX: Final = 64 * 1024
"""Bytes of a join request, inflated."""

MESSAGE_MAX: Final = 64 * 1024
"""Bytes of one message of the signalling; a longer one ends the connection."""

JOINS_BURST: Final = 20
JOINS_PER_S: Final = 0.5
"""Joins and resumptions of one person; one more is refused (429)."""

MESSAGES_BURST: Final = 400
MESSAGES_PER_S: Final = 40
"""Messages of one person's clients; the client that sends one more is disconnected."""

OFFERS_BURST: Final = 40
OFFERS_PER_S: Final = 1
"""SDP offers of one person's clients; the client that makes one more is disconnected."""

METADATA_BURST: Final = 5
METADATA_PER_S: Final = 0.2
"""Changes of metadata and attributes by one person; one more is refused."""

OPENINGS_BURST: Final = 30
OPENINGS_PER_S: Final = 1
"""Times that one person opens a microphone at a LiveKit server; after that it stays shut."""

FLOODS_PER_S: Final = 1 / 60
"""Log lines that one person, one live space or one outage may cause, by too much or by failing."""

NEWS_S: Final = 0.05
"""Seconds for which news of participants are gathered, to be one message."""

PARTICIPANTS_MAX: Final = 500
"""Participants of one live space's call."""

DEVICES_MAX: Final = 5
"""Participants of one person in one call."""

QUEUE_MAX: Final = 256
QUEUE_BYTES: Final = 1024 * 1024
"""Messages and bytes that may wait for one client; the message that goes beyond still may."""

SEND_WITHIN_S: Final = 15.0
"""A client that takes no byte for so many seconds is disconnected."""

HEARTBEAT_S: Final = 20.0
"""Seconds between two pings (RFC 6455, 5.5.2), by which a lost connection is noticed."""

SETTLES_S: Final = 4.0
"""Seconds for which news of others are held back from a client that had to join anew.

livekit-client loses the events of the first two seconds after such a reconnect (seen in 2.23).
"""

HELD_MAX: Final = 256
"""News that may be held back; with one more, all are sent."""

REJOINS_MAX: Final = 1000
"""Identities that are remembered as having been told to join anew."""

LEAVE_WITHIN_S: Final = 5.0
"""Seconds for a client that is to join anew to close its signalling by itself."""

RESUME_WITHIN_S: Final = 20.0
"""Seconds for which a participant stays when the signalling was lost: it may come back."""

CID_MAX: Final = 128
"""Characters of the id that a client gives its own track."""

TRACK_NAME_MAX: Final = 128
FEATURES_MAX: Final = 8

METADATA_MAX: Final = 2048
ATTRIBUTES_MAX: Final = 16
"""Bytes of a participant's metadata and attributes, together; and its attributes."""

SUBSCRIPTIONS_MAX: Final = 200
SID_MAX: Final = 64
"""Tracks that a client may have excepted from what it is sent; the characters of a track's id."""

NUDGES_MAX: Final = 3
"""Times that a client is asked for a new offer, or for more sections, for the same streams."""
