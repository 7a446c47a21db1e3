"""What the bot says about verifications, in words."""

from datetime import UTC, datetime

CROWDED = "Too many verifications at once. Please begin again in ten minutes."
TWO_AT_ONCE = "Two verifications at once: I cancelled both. Please begin again, once."


def compare(page: str) -> str:
    """Return the message that leads to the code."""
    return (
        f"Compare the emoji in your client with those on {page}\n"
        "I do not write them here: what I write passes through the homeserver, which is what you "
        "are checking. So look that the address begins as the page where you listen does. If all "
        "are the same, say in your client that they match; if one differs, say so there, and tell "
        "whoever runs this bridge."
    )


def cannot(methods: str) -> str:
    """Return the answer to a client that offers none of our methods."""
    return (
        f"Your client offers to verify by {methods or 'nothing at all'}. I can compare emoji "
        "or numbers only (m.sas.v1): choose that, or compare my keys by hand; `verify` tells how."
    )


MISMATCH = (
    "You said that the emoji differ. If you compared all seven, somebody sits between you and me: "
    "trust nothing that is written here, and tell whoever runs this bridge in another way."
)


def reset(user: str, verified_at_ms: int) -> str:
    """Return the warning that a verified person has another identity now."""
    day = datetime.fromtimestamp(verified_at_ms / 1000, tz=UTC).date().isoformat()
    return (
        f"The identity of {user} (its cross-signing keys) is another one than the one that was "
        f"verified with me on {day}. If you have reset it yourself, verify me again. If not, "
        "somebody may have taken your account over or sits between us: ask whoever runs your "
        "homeserver."
    )
