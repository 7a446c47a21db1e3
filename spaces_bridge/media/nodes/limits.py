"""The bounds of media nodes: what one can make the bridge do or keep, and the other way round.

Other waits of our own stand beside their code.
"""

from typing import Final

SECRET_MIN: Final = 32
"""Characters of `media.node_secret`."""

WRONG_BURST: Final = 10
WRONG_PER_S: Final = 1 / 30
"""Wrong secrets of one network that are answered with 401; one more gets 429."""
WRONG_LINES_PER_S: Final = 1 / 600
"""Log lines that wrong secrets of one network cause, after the first."""

MOST_NODES: Final = 32
"""Nodes at the same time."""
GREET_S: Final = 5.0
"""Seconds in which a node has to say who it is, and the bridge to answer."""
HEARTBEAT_S: Final = 3.0
"""Seconds after which a silent connection is asked for a sign of life; half of it is waited."""
CLOSE_S: Final = 2.0
"""Seconds to close a connection properly."""

MESSAGE_MAX: Final = 4 * 1024 * 1024
"""Bytes of one message: the seats of 4000 peers and more."""
BACKLOG_MAX: Final = 16 * 1024 * 1024
"""Bytes that wait for the other side; with more, the connection is ended."""
LAZY_BACKLOG: Final = 256 * 1024
"""Bytes; with so many waiting, messages that are only of use at once are left out."""

BYTES_BURST: Final = 32 * 1024 * 1024
BYTES_PER_S: Final = 8 * 1024 * 1024
"""Bytes of a node that are read; one that sends more is disconnected."""
MESSAGE_COST: Final = 512
"""Bytes that each message counts besides its own."""

LONGEST_NAME: Final = 64
"""Characters of a node's name."""
LONGEST_ID: Final = 255
"""Characters of a user's, space's or peer's id."""
LONGEST_SDP: Final = 64 * 1024
"""Characters of an SDP answer."""
LONGEST_TEXT: Final = 300
"""Characters of a reason or a refusal."""
MOST_SPACES: Final = 1000
"""Live spaces that a node's worker tells of."""
MOST_PEERS: Final = 10_000
"""Peers that a node's worker tells of, or that are kept for it."""
MOST_LEVELS: Final = 100
"""People whose loudness one message tells."""
MOST_PCM: Final = 64 * 1024
"""Bytes of sound for captions in one message."""
MOST_OPUS: Final = 1500
"""Bytes of one packet of the mix."""
MOST_NUMBERS: Final = 64
"""Numbers for the metrics in one message."""

LOST_S: Final = 5.0
"""Seconds without a worker after which its sessions count no more, and another one is home."""
SPEAKERS_S: Final = 10.0
"""Seconds without a bridge after which a node ends the microphones of pages: nobody can shut them.
By then (`LOST_S`) the bridge has given them up as well."""
LOOK_EVERY_S: Final = 0.5
"""Seconds between two looks at who is there."""
