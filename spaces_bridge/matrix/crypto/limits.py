"""The bounds of encryption: what others can make the bridge keep, compute or send."""

from typing import Final

# --- to-device messages -------------------------------------------------------------------------

TO_DEVICE_BURST: Final = 200
TO_DEVICE_PER_S: Final = 1.0
"""To-device messages of one person that are looked at: at once, and then a second."""
TO_DEVICE_SERVER_BURST: Final = 4_000
TO_DEVICE_SERVER_PER_S: Final = 20.0
"""The same of all people of a foreign homeserver."""
TO_DEVICE_BYTES_MAX: Final = 65_536
"""Characters of an Olm ciphertext; the largest contents of clients have some thousand."""

# --- Olm ----------------------------------------------------------------------------------------

OLM_SESSIONS_PER_DEVICE: Final = 5
"""Olm sessions with one device that are kept; the last used stay."""
NEW_OLM_BURST: Final = 40
NEW_OLM_PER_S: Final = 1 / 60
"""Olm sessions that one person may begin: at once, and then a second."""
NEW_OLM_SERVER_BURST: Final = 1_000
NEW_OLM_SERVER_PER_S: Final = 1 / 20
"""The same of all people of a foreign homeserver."""
NEW_OLM_KEYS_BURST: Final = 20
NEW_OLM_KEYS_PER_S: Final = 1 / 3600
"""Devices from which one person may begin a first Olm session: at once, and then a second."""
NEW_OLM_KEYS_SERVER_BURST: Final = 1_000
NEW_OLM_KEYS_SERVER_PER_S: Final = 1 / 60
"""The same of all people of a foreign homeserver."""
UNWEDGE_PER_S: Final = 1 / 3600
"""New Olm sessions a second with one device whose messages cannot be read (spec: an hour)."""
UNWEDGE_PER_PERSON_BURST: Final = 5
"""New Olm sessions at once with one person whose messages cannot be read; then as for a device."""

# --- Megolm -------------------------------------------------------------------------------------

NEW_MEGOLM_BURST: Final = 200
NEW_MEGOLM_PER_S: Final = 1 / 30
"""Keys of rooms that one person may give the bot: at once, and then a second."""
NEW_MEGOLM_SERVER_BURST: Final = 4_000
NEW_MEGOLM_SERVER_PER_S: Final = 1 / 5
"""The same of all people of a foreign homeserver."""
MEGOLM_PER_SENDER: Final = 1_000
"""Keys of rooms by one person that are kept; those that came last stay."""
WITHHELD_BURST: Final = 100
WITHHELD_PER_S: Final = 1 / 60
"""Words of one person that a key is withheld: at once, and then a second."""
WITHHELD_SERVER_BURST: Final = 1_000
WITHHELD_SERVER_PER_S: Final = 1 / 20
"""The same of all people of a foreign homeserver."""
WITHHELD_PER_SENDER: Final = 100
"""Words of one person that a key is withheld that are kept; those that came last stay."""
INDEX_MAX: Final = 100_000
"""The message index from which a Megolm session is refused; it is to be rotated after 100."""

REFRESH_BURST: Final = 3
REFRESH_PER_S: Final = 1 / 300
"""Times that a person's devices are asked for anew because a key is of none: at once, a second."""

# --- what waits ---------------------------------------------------------------------------------

WAITING_MAX: Final = 5_000
WAITING_PER_SERVER: Final = 1_000
WAITING_PER_SENDER: Final = 200
"""Events without a key that are kept: of all people, of one homeserver's, and of one. Beyond,
the oldest make place (`waiting_bounds.py`)."""
WAITING_ANSWERED_AFTER_MS: Final = 20_000
"""How long an event may wait for its key before its sender is told; keys come in a second."""
ANSWERS_BURST: Final = 2
ANSWERS_PER_ROOM_S: Final = 1 / 600
"""Sentences "I could not read that" in one person's chat: at once, and then a second."""
ANSWERS_PER_CROWD_S: Final = 1 / 86_400
"""The same in a room of more than two, which all of them read: one a day."""
ASKED_KEPT: Final = 10_000
"""Keys that are remembered to have been asked for."""

# --- what is kept -------------------------------------------------------------------------------

WITHHELD_KEPT_MS: Final = 3 * 86_400_000
"""Words that a key is withheld are kept for so long: they say why an event is not read."""
KEPT_MS: Final = 90 * 86_400_000
"""Sessions that were not used, and events that nobody could read, are kept for so long."""

# --- our own keys -------------------------------------------------------------------------------

ONE_TIME_KEYS: Final = 50
"""One-time keys at the homeserver; fewer than half of them are topped up."""
