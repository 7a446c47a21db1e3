"""The refusals that several rules, use cases or adapters share: each sentence stands once.

The functions return the error and leave it to the caller to raise it.
"""

from spaces_bridge.core.errors import Rejected

# --- because of the live space -------------------------------------------------------------------


def ended() -> Rejected:
    """Return the refusal of whatever comes after the end."""
    return Rejected("ended", "This live space has ended.")


def not_live() -> Rejected:
    """Return the refusal of whatever takes a live space that is on."""
    return Rejected("not_live", "This live space has not started yet.")


def locked() -> Rejected:
    """Return the refusal of newcomers to a locked live space, and of those who invite any."""
    return Rejected("locked", "This live space is locked: nobody new comes in right now.")


# --- because of the person who asks --------------------------------------------------------------


def not_moderator() -> Rejected:
    """Return the refusal of people who are neither host nor co-host."""
    return Rejected("not_moderator", "Only the host and co-hosts can do that.")


def removed(**details: str) -> Rejected:
    """Return the refusal of people who were removed; a page may show the `details` besides."""
    text = "A host has removed you from this live space, or you are on a list that bars you."
    return Rejected("removed", text, **details)


def not_joined() -> Rejected:
    """Return the refusal of accounts that are not in the room."""
    return Rejected("not_joined", "Join the room first, then try again.")


def account_needed() -> Rejected:
    """Return the refusal of guests who would do what takes an account."""
    return Rejected("account_needed", "That takes a Matrix account: guests cannot do it.")


def guests_listen() -> Rejected:
    """Return the refusal of guests who would speak where they only listen."""
    return Rejected(
        "guests_listen", "Guests only listen here. Join with a Matrix account to speak."
    )


def guests_only_read() -> Rejected:
    """Return the refusal of guests who would write where they only read."""
    text = "Guests only read the chat here. Join with a Matrix account to write."
    return Rejected("guest_chat_off", text)


def too_many_kinds() -> Rejected:
    """Return the refusal of a reaction with one emoji more than a live space counts."""
    return Rejected("too_many_kinds", "Too many different emoji already. Pick one of those.")


# --- because of the person it is about -----------------------------------------------------------


def too_high() -> Rejected:
    """Return the refusal of acts on people of the asker's own rank or above."""
    return Rejected("too_high", "You cannot do that to somebody of your own rank or above.")


def is_removed() -> Rejected:
    """Return the refusal of acts on a person who was removed."""
    return Rejected("is_removed", "That person was removed. Let them in again first.")


def not_here() -> Rejected:
    """Return the refusal of acts on a person who is not in the room."""
    return Rejected("not_here", "That person is not in the room. Invite them first.")


def is_changing() -> Rejected:
    """Return the refusal of acts on a person whose role is just changing."""
    return Rejected("is_changing", "That person's role is just changing. Wait a moment.")


def not_speaker() -> Rejected:
    """Return the refusal of acts on a person who does not have the floor."""
    return Rejected("not_speaker", "That person does not have the floor.")


def guests_do_not_host() -> Rejected:
    """Return the refusal of a guest where a host is meant."""
    return Rejected("is_guest", "Guests have no account: they cannot host.")


def guest_invited() -> Rejected:
    """Return the refusal of an invitation to a guest, who has no account."""
    return Rejected("guest_invited", "Guests have no account: send them the page's link.")
