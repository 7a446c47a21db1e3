"""Captions, reactions, posts, invitations, chat."""

import pytest

from spaces_bridge.core import commands as cmd
from spaces_bridge.core import events as ev
from spaces_bridge.core.access import GuestPolicy
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import EventId, UserId, UtteranceId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.core.rules import decide
from spaces_bridge.core.rules.content import OTHERS, may_chat, refuse_to_chat
from tests.core.support import CAT, refused, with_cohost
from tests.support.spaces import BEN, EVE, GUEST, HOST, ROOM, after, live_space, scheduled

pytestmark = pytest.mark.unit


def test_an_utterance_is_captioned_once_and_in_order() -> None:
    space = live_space()
    line = cmd.CaptionUtterance(UtteranceId("u1"), HOST, 100, 900, "hello", "en")
    space = after(space, line)
    assert space.caption_lines[0].name == "Ada"
    assert decide(space, line) == []
    cut_otherwise = cmd.CaptionUtterance(UtteranceId("u2"), HOST, 120, 950, "hello", "en")
    assert decide(space, cut_otherwise) == []
    next_line = cmd.CaptionUtterance(UtteranceId("u3"), HOST, 700, 2_000, "world", "en")
    assert decide(space, next_line)
    off = live_space(captions=False)
    assert decide(off, line) == []
    assert decide(after(scheduled(), cmd.AttachRoom(ROOM)), line) == []


def test_the_last_words_are_captioned_after_the_end() -> None:
    space = after(live_space(), cmd.EndSpace(None, 50))
    line = cmd.CaptionUtterance(UtteranceId("u1"), EVE, 100, 900, "bye", "en")
    assert after(space, line).caption_lines[0].name == EVE


def test_only_the_last_captions_are_kept_for_newcomers() -> None:
    space = live_space()
    for n in range(60):
        words = cmd.CaptionUtterance(UtteranceId(f"u{n}"), HOST, n * 10, n * 10 + 9, "x", "en")
        space = after(space, words)
    assert len(space.caption_lines) == 50
    assert space.caption_lines[-1].utterance == "u59"


def test_reactions_are_counted_while_live() -> None:
    space = after(live_space(), cmd.React(BEN, "👏"), cmd.React(EVE, "👏"), cmd.React(BEN, "❤️"))
    assert space.reactions == {"👏": 2, "❤️": 1}
    assert refused(after(space, cmd.EndSpace(HOST, 9)), cmd.React(BEN, "👏")) == "ended"


def test_only_so_many_kinds_of_reactions_are_counted() -> None:
    space = after(live_space(), *(cmd.React(BEN, chr(0x1F600 + n)) for n in range(50)))
    assert refused(space, cmd.React(BEN, "👏")) == "too_many_kinds"
    in_the_room = cmd.React(BEN, "👏", EventId("$clap"))
    assert decide(space, in_the_room) == [ev.Reacted(BEN, OTHERS, EventId("$clap"))]
    assert after(space, cmd.React(BEN, chr(0x1F600))).reactions[chr(0x1F600)] == 2


def test_members_invite_and_in_private_only_moderators() -> None:
    assert decide(live_space(), cmd.InvitePerson(BEN, EVE)) == [ev.PersonInvited(EVE, BEN)]
    assert refused(live_space(), cmd.InvitePerson(EVE, BEN)) == "not_joined"
    assert refused(live_space(), cmd.InvitePerson(HOST, BEN)) == "already_here"
    private = live_space(private=True)
    assert refused(private, cmd.InvitePerson(BEN, EVE)) == "private_invites"
    assert decide(private, cmd.InvitePerson(HOST, EVE))
    assert after(private, cmd.InvitePerson(HOST, EVE)) == private


def test_guests_reactions_are_counted_together_up_to_so_many_kinds() -> None:
    space = after(live_space(), cmd.CountReactions({"👏": 3, "❤️": 0, "😂": -2}))
    assert space.reactions == {"👏": 3}
    assert decide(space, cmd.CountReactions({})) == []
    many = cmd.CountReactions({chr(0x1F600 + n): 1 for n in range(60)})
    space = after(space, many)
    assert len(space.reactions) == 50
    assert after(space, cmd.CountReactions({"👏": 1})).reactions["👏"] == 4
    assert decide(after(space, cmd.EndSpace(HOST, 9)), cmd.CountReactions({"👏": 1})) == []


def test_the_removed_do_not_react() -> None:
    space = after(live_space(), cmd.RemovePerson(HOST, BEN))
    assert refused(space, cmd.React(BEN, "👏")) == "removed"


def test_moderators_share_links_and_the_last_five_stay_pinned() -> None:
    space = live_space()
    for n in range(7):
        space = after(space, cmd.SharePost(HOST, f"https://example.org/{n}", n))
    assert [post.number for post in space.posts] == [3, 4, 5, 6, 7]
    assert refused(space, cmd.SharePost(HOST, "https://example.org/6", 9)) == "already_shared"
    assert refused(space, cmd.SharePost(BEN, "https://example.org/9", 9)) == "not_moderator"


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "https://",
        "https://[",
        "https://a b.org",
        "https://a\n.org",
        "mxc://a/b",
        "JavaScript://example.org/%0aalert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:msgbox(1)",
        "file:///etc/passwd",
        "//example.org/a",
        "https:example.org",
        "https://example.org:port/",
        "https://example.org:99999/",
        "https:/example.org",
        "https:///example.org",
        "https:\\\\example.org",
        "https://evil.example\\@example.org/",
        "https://example.org@evil.example/",
        "https://user:secret@example.org/",
        "https://example.org\u2028/a",
        "https://exa\u202emple.org",
        "https://example.org／evil.example",
        "\x01https://example.org",
        "https://example.org/\ttab",
    ],
)
def test_only_web_addresses_are_shared(url: str) -> None:
    assert refused(live_space(), cmd.SharePost(HOST, url, 1)) == "bad_link"
    assert (
        refused(live_space(), cmd.SharePost(HOST, "https://a/" + "x" * 2000, 1)) == "link_too_long"
    )


def test_the_removed_are_not_invited_and_guests_neither_invite_nor_are_invited() -> None:
    space = after(live_space(), cmd.RemovePerson(HOST, EVE))
    assert refused(space, cmd.InvitePerson(HOST, EVE)) == "is_removed"
    space = after(
        live_space(),
        cmd.RequestToSpeak(GUEST, 1, name="Zoe", guest=True),
        cmd.ApproveSpeaker(HOST, GUEST),
        cmd.ObserveMember(GUEST, joined=True, name="Zoe (guest)"),
    )
    assert refused(space, cmd.InvitePerson(GUEST, EVE)) == "account_needed"
    assert refused(space, cmd.InvitePerson(HOST, GUEST)) == "guest_invited"
    assert refused(after(space, cmd.EndSpace(HOST, 9)), cmd.InvitePerson(HOST, EVE)) == "ended"


def chat_refusal(space: LiveSpace, user: UserId, *, guest: bool = False) -> str:
    """The code of the refusal; empty for those who may write."""
    if may_chat(space, user, guest=guest):
        refuse_to_chat(space, user, guest=guest)
        return ""
    with pytest.raises(Rejected) as refusal:
        refuse_to_chat(space, user, guest=guest)
    assert refusal.value.text.endswith(".")
    return refusal.value.code


def test_everybody_in_the_room_writes_and_nobody_else_with_an_account() -> None:
    space = live_space()
    assert chat_refusal(space, HOST) == chat_refusal(space, BEN) == ""
    assert chat_refusal(space, EVE) == "not_joined"
    assert chat_refusal(after(space, cmd.RemovePerson(HOST, BEN)), BEN) == "removed"
    assert chat_refusal(after(space, cmd.EndSpace(HOST, 9)), HOST) == "ended"


def test_without_chat_and_in_a_locked_room_only_those_with_the_floor_write() -> None:
    off = after(with_cohost(), cmd.SetChat(HOST, False))
    locked = after(with_cohost(), cmd.LockSpace(HOST))
    for user in (HOST, CAT, BEN):
        assert chat_refusal(off, user) == chat_refusal(locked, user) == ""
    assert chat_refusal(off, EVE) == "chat_off"
    assert chat_refusal(locked, EVE) == "locked_chat"
    assert chat_refusal(after(off, cmd.DemoteSpeaker(HOST, BEN)), BEN) == "chat_off"
    assert chat_refusal(after(locked, cmd.UnlockSpace(HOST)), EVE) == ""


def test_guests_write_where_they_may_speak() -> None:
    space = live_space()
    assert chat_refusal(space, GUEST, guest=True) == ""
    for policy in (GuestPolicy.LISTEN, GuestPolicy.OFF):
        limited = after(space, cmd.SetGuests(HOST, policy))
        assert chat_refusal(limited, GUEST, guest=True) == "guest_chat_off"
    assert chat_refusal(after(space, cmd.LockSpace(HOST)), GUEST, guest=True) == "locked_chat"
    assert chat_refusal(after(space, cmd.RemovePerson(HOST, GUEST)), GUEST, guest=True)
