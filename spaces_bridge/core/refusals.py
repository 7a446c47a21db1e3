"""Refusals that several rules, use cases or doors share: each sentence has one home."""

from spaces_bridge.core.errors import Rejected

# --- of the live space ---------------------------------------------------------------------------


def ended() -> Rejected:
    """For whatever comes after the end."""
    return Rejected("ended", "This live space has ended.")


def not_live() -> Rejected:
    """For whatever takes a live space that is on."""
    return Rejected("not_live", "This live space has not started yet.")


def locked() -> Rejected:
    """For newcomers to a locked live space, and those who would bring some."""
    return Rejected("locked", "This live space is locked: nobody new comes in right now.")


# --- of the one who asks -------------------------------------------------------------------------


def not_moderator() -> Rejected:
    """For those who are neither host nor co-host."""
    return Rejected("not_moderator", "Only the host and co-hosts can do that.")


def removed(**details: str) -> Rejected:
    """For those who were shown out; `details` a page may show besides."""
    text = "A host has removed you from this live space, or you are on a list that bars you."
    return Rejected("removed", text, **details)


def not_joined() -> Rejected:
    """For accounts that are not in the room."""
    return Rejected("not_joined", "Join the room first, then try again.")


def account_needed() -> Rejected:
    """For guests who would do what takes an account."""
    return Rejected("account_needed", "That takes a Matrix account: guests cannot do it.")


def guests_listen() -> Rejected:
    """For guests who would speak where they only listen."""
    return Rejected(
        "guests_listen", "Guests only listen here. Join with a Matrix account to speak."
    )


def guests_only_read() -> Rejected:
    """For guests who would write where they only read."""
    text = "Guests only read the chat here. Join with a Matrix account to write."
    return Rejected("guest_chat_off", text)


def too_many_kinds() -> Rejected:
    """For those who react with one emoji more."""
    return Rejected("too_many_kinds", "Too many different emoji already. Pick one of those.")


# --- of the one it is about ----------------------------------------------------------------------


def too_high() -> Rejected:
    """For those who would touch their like."""
    return Rejected("too_high", "You cannot do that to somebody of your own rank or above.")


def is_removed() -> Rejected:
    """The person was shown out."""
    return Rejected("is_removed", "That person was removed. Let them in again first.")


def not_here() -> Rejected:
    """The person is not in the room."""
    return Rejected("not_here", "That person is not in the room. Invite them first.")


def is_changing() -> Rejected:
    """The person's role is on its way to another one."""
    return Rejected("is_changing", "That person's role is just changing. Wait a moment.")


def not_speaker() -> Rejected:
    """The person does not speak here."""
    return Rejected("not_speaker", "That person does not have the floor.")


def guests_do_not_host() -> Rejected:
    """A guest is named where a host is meant."""
    return Rejected("is_guest", "Guests have no account: they cannot host.")


def guest_invited() -> Rejected:
    """Somebody without an account is to be invited."""
    return Rejected("guest_invited", "Guests have no account: send them the page's link.")
