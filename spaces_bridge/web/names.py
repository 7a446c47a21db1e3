"""Names as the page shows them."""

GUEST = "(guest)"


def shown_name(name: str, user: str, *, guest: bool) -> str:
    """A name as others see it: guests are marked, the nameless go by their id."""
    if not guest:
        return name or user
    return name if name.endswith(GUEST) else f"{name or 'Guest'} {GUEST}"
