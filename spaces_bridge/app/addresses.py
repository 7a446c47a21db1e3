"""The addresses of live spaces' rooms: one rule for all code that makes, links or reads one."""


def alias_localpart(slug: str) -> str:
    """Return the alias of a live space's room, without `#` and domain."""
    return f"spaces_{slug}"


def room_alias(slug: str, domain: str) -> str:
    """Return the alias of a live space's room."""
    return f"#{alias_localpart(slug)}:{domain}"
