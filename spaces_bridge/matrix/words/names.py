"""Display names of accounts."""

from spaces_bridge.core.names import clean_name


def tidy(name: object, user: str) -> str:
    """A name harmless to read beside others; without one, the localpart."""
    cleaned = clean_name(name) if isinstance(name, str) else ""
    return cleaned or clean_name(user.removeprefix("@").partition(":")[0]) or user[:40]
