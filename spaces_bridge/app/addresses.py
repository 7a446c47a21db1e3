"""The addresses of live spaces' rooms: one rule for everybody who makes, links or reads one."""


def alias_localpart(slug: str) -> str:
    """The alias of a live space's room, without `#` and domain."""
    return f"spaces_{slug}"


def room_alias(slug: str, domain: str) -> str:
    """The alias of a live space's room."""
    return f"#{alias_localpart(slug)}:{domain}"
