"""The bounds of verifications: how long, how many, how large."""

from typing import Final

LIVES_MS: Final = 10 * 60_000
"""A verification, and a request nobody heard of before, lives for so long. Spec: "Key
verification framework", "Error and exception handling"."""

AHEAD_MS: Final = 5 * 60_000
"""A request that claims to be from further in the future is ignored. Spec:
"m.key.verification.request"."""

BEGIN_AFTER_MS: Final = 8_000
"""After so long without a start by the other side, the bot starts."""

SHOWN_MS: Final = 10 * 60_000
"""The page with the emoji is kept for so long after the verification has ended."""

ALIVE_MAX: Final = 100
ALIVE_OF_SERVER_MAX: Final = 25
"""Verifications under way at once: all together, and with users of one homeserver."""

REQUESTS_MAX: Final = 6
"""Requests of one user within `LIVES_MS`; what comes beyond is refused, and then ignored."""

REFUSED_OF_SERVER_MAX: Final = 50
"""Refusals to users of one homeserver within `LIVES_MS`; what they ask beyond is ignored."""

QUEUED_MAX: Final = 1_000
QUEUED_OF_SERVER_MAX: Final = 100
"""To-device messages that wait to be handled: all together, and of one homeserver's users."""

REFUSED_KEPT: Final = 1_000
"""Unknown verifications that were answered with a cancellation, so that none is answered twice."""

TEXT_MAX: Final = 255
"""Characters in one value of a message: an id, a key, a name of a method."""

LIST_MAX: Final = 32
"""Methods in a list, and keys in `m.key.verification.mac`."""
