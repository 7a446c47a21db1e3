"""Every note that the bridge of before has written becomes the typed record that is read now."""

import logging

import pytest

from spaces_bridge.app.notes import commands, rooms
from spaces_bridge.app.notes import dms_and_reactions as messages
from spaces_bridge.app.notes import invite_counts as inviting
from spaces_bridge.app.notes.delayed_leaves import DelegatedLeaves
from spaces_bridge.app.notes.kinds import ALL
from spaces_bridge.app.notes.plain_calls import CallsWanted, PlainCallsOn
from spaces_bridge.app.notes.record import AfterSpace, Key, Note, key_parts
from spaces_bridge.core.ids import EventId, RoomId, SpaceId, UserId
from spaces_bridge.core.live_space import Phase
from spaces_bridge.storage import old_notes
from spaces_bridge.storage.migrate import load_migrations
from spaces_bridge.storage.old_note_forms import Converted, converted
from spaces_bridge.storage.storage import Storage
from spaces_bridge.storage.text import to_column
from tests.storage.support import opened
from tests.storage.test_migrate import connected, upgrade

pytestmark = pytest.mark.peers

SPACE = SpaceId("abcdefgh01234567")
ADA, BEN, CAT = UserId("@ada:x"), UserId("@b=e/n:x:8448"), UserId("@c.a-t_:[::1]:9")
INVITATION = messages.Invitation(SPACE, CAT, BEN, ADA)
SENT = f'{{"space": "{SPACE}", "user": "{CAT}", "by": "{BEN}", "host": "{ADA}"}}'
ROOM, EVENT = RoomId("!room:x"), EventId("$event")
VERSION = next(step.version for step in load_migrations() if step.then is old_notes.convert)

OLD: tuple[tuple[str, str, Note | None], ...] = (
    ("dm:@ada:x", "!room:x", messages.UserRoom(ADA, ROOM)),
    ("direct:!room:x", "@ada:x", messages.RoomUser(ROOM, ADA)),
    ("direct:!v12room", "@ada:x", messages.RoomUser(RoomId("!v12room"), ADA)),
    (
        "told-of-cipher:!room:x",
        "!plain",
        messages.EncryptionExplained(ROOM, RoomId("!plain")),
    ),
    (f"invited-last:{CAT}", SENT, messages.LatestInvitation(CAT, INVITATION)),
    ("invitation:$event", SENT, messages.InvitationMessage(EVENT, INVITATION)),
    (
        "offer:$event",
        f'{{"space": "{SPACE}", "user": "@ada:x"}}',
        messages.StageInvitationMessage(EVENT, SPACE, ADA),
    ),
    (
        "prompt:$event",
        f'["{SPACE}", "{BEN}"]',
        messages.HandMessage(EVENT, SPACE, BEN),
    ),
    (
        "tap:$event",
        (
            f'{{"key": "\\ud83d\\udd15", "space": "{SPACE}", "user": "{CAT}", '
            f'"message": "$m", "hosts": ["{BEN}", "@ada:x"]}}'
        ),
        messages.InvitationReaction(EVENT, "🔕", SPACE, CAT, EventId("$m"), (BEN, ADA)),
    ),
    (
        "tap:$other",
        f'{{"key": "\\u2705", "space": "{SPACE}", "user": "{CAT}", "message": "$m", "hosts": []}}',
        messages.InvitationReaction(EventId("$other"), "✅", SPACE, CAT, EventId("$m")),
    ),
    ("tap:$undone", "null", None),
    (
        "card-tap:$event",
        f'["follow", "{BEN}", "@ada:x"]',
        messages.CardReaction(EVENT, messages.CardReactionEffect.FOLLOW, BEN, ADA),
    ),
    (
        "card-tap:$other",
        f'["remind", "{BEN}", "{SPACE}"]',
        messages.CardReaction(
            EventId("$other"), messages.CardReactionEffect.REMIND, BEN, str(SPACE)
        ),
    ),
    (
        f"invited:{SPACE}:{BEN}:{CAT}",
        f"scheduled|live:{SPACE}:{CAT}",
        inviting.Invited(SPACE, BEN, CAT, Phase.SCHEDULED, f"live:{SPACE}:{CAT}"),
    ),
    (
        f"invited:{SPACE}:@ada:x:{CAT}",
        "live|invite|$e|2",
        inviting.Invited(SPACE, ADA, CAT, Phase.LIVE, "invite|$e|2"),
    ),
    (f"asked-in:{BEN}:{CAT}", SPACE, inviting.LatestFrom(BEN, CAT, SPACE)),
    (
        f"strangers:{BEN}",
        f'[20454, ["{CAT}", "@ada:x"]]',
        inviting.DayCount(inviting.Counted.STRANGERS_MET, BEN, 20_454, (CAT, ADA)),
    ),
    (
        f"invited-by:{BEN}",
        '[20454, ["invite:$e:1"]]',
        inviting.DayCount(inviting.Counted.INVITATIONS_SENT, BEN, 20_454, ("invite:$e:1",)),
    ),
    (
        f"invited-to:{CAT}",
        "[20454, []]",
        inviting.DayCount(inviting.Counted.INVITATIONS_GOT, CAT, 20_454, ()),
    ),
    (
        f"uninvited:{SPACE}:@ada:x",
        f'{{"{BEN}": true, "{CAT}": false}}',
        inviting.UninvitedFollowers(SPACE, ADA, {BEN: True, CAT: False}),
    ),
    (f"uninvited:{SPACE}:{BEN}", "{}", None),
    (
        f"followers-invited:{SPACE}:{BEN}",
        "$command:x/1",
        inviting.FollowersInvited(SPACE, BEN, "$command:x/1"),
    ),
    (f"card:{SPACE}", "$event", rooms.ShownMessage(rooms.Shown.CARD, SPACE, EVENT)),
    (f"bubble:{SPACE}", "$event", rooms.ShownMessage(rooms.Shown.BUBBLE, SPACE, EVENT)),
    (
        f"card-shown:{SPACE}",
        '{"frame": "01ab", "whole": "23cd", "at_ms": 1700000000000, "edits": 12}',
        rooms.ShownEdition(rooms.Shown.CARD, SPACE, "01ab", "23cd", 1_700_000_000_000, 12),
    ),
    (
        f"bubble-shown:{SPACE}",
        '{"frame": "01ab", "whole": "23cd", "at_ms": 1700000000000, "edits": 0}',
        rooms.ShownEdition(rooms.Shown.BUBBLE, SPACE, "01ab", "23cd", 1_700_000_000_000, 0),
    ),
    (f"card-dressed:{SPACE}", "yes", rooms.ShownComplete(rooms.Shown.CARD, SPACE)),
    (f"bubble-dressed:{SPACE}", "yes", rooms.ShownComplete(rooms.Shown.BUBBLE, SPACE)),
    ("bubble-of:$event", SPACE, rooms.BubbleSpace(EVENT, SPACE)),
    (f"bubble-off:{SPACE}", "M_FORBIDDEN", rooms.BubbleGivenUp(SPACE, "M_FORBIDDEN")),
    (f"bubble-seed:{SPACE}:🔔", "$event", rooms.BubbleReaction(SPACE, "🔔", EVENT)),
    (f"bubble-seed:{SPACE}:✅", "", None),
    (
        f"signboard:{SPACE}",
        '{"m.room.name": "0123", "m.room.topic": "4567"}',
        rooms.RoomShown(SPACE, {"m.room.name": "0123", "m.room.topic": "4567"}),
    ),
    (f"post:{SPACE}:12", "$event", rooms.PinnedPost(SPACE, 12, EVENT)),
    (f"caption:{SPACE}", "$event", rooms.LatestCaption(SPACE, EVENT)),
    (
        f"said-lock:{SPACE}",
        f"True {SPACE}/7/locked",
        rooms.LockAnnounced(SPACE, True, f"{SPACE}/7/locked"),
    ),
    (
        f"asked:{SPACE}:@ada:x:{BEN}",
        f"1700000000000 {SPACE}/9/prompt",
        rooms.HandAsked(SPACE, ADA, BEN, 1_700_000_000_000, f"{SPACE}/9/prompt"),
    ),
    (
        "levels-before:!room:x",
        f"$event {SPACE}/9/level",
        rooms.LevelsBefore(ROOM, EVENT, f"{SPACE}/9/level"),
    ),
    ("picture:0123abcd", "mxc://x/1", rooms.UploadedPicture("0123abcd", "mxc://x/1")),
    ("which:$event", SPACE, commands.CommandSpace(EVENT, SPACE)),
    (
        "whom:$event",
        f"{BEN} talks too much\x00",
        commands.CommandPerson(EVENT, BEN, "talks too much\x00"),
    ),
    ("whom:$other", BEN, commands.CommandPerson(EventId("$other"), BEN, "")),
    ("unblocked:$event", "*:bad.example", commands.CommandUnblocked(EVENT, "*:bad.example")),
    ("reworded:$event", "$edit", commands.CommandReworded(EVENT, EventId("$edit"))),
    (f"reports:{BEN}", '{"$one": 1700000000000, "$two": 1700000000001}', None),
    ("read-back-from", "1700000000000", commands.ReadBackFrom(1_700_000_000_000)),
)
"""Names and values as the code before typed notes wrote them, and what they are now."""

STRANGE = (
    ("unknown:$event", "value"),
    ("no prefix at all", "value"),
    ("invitation:$broken", '{"space": "s"'),
    ("invitation:$partly", '{"space": "s", "user": 1, "by": "b", "host": "h"}'),
    ("prompt:$three", '["a", "b", "c"]'),
    ("tap:$list", "[]"),
    ("uninvited:s:@a:x", "[]"),
    ("asked:s:@a:x:@b:x", "yesterday key"),
    ("asked-in:@a:x", "space"),
    ("said-lock:s", "maybe key"),
    ("read-back-from:", "then"),
)
"""What no bridge has written."""


async def write(url: str, *notes: tuple[str, str], at_ms: int = 5) -> None:
    """A database of the version before, with these notes."""
    await upgrade(url, load_migrations()[: VERSION - 1])
    async with connected(url) as connection:
        await connection.executemany(
            "INSERT INTO notes (name, value, at_ms) VALUES ($1, $2, $3)",
            [(to_column(name), to_column(value), at_ms) for name, value in notes],
        )


async def stored(storage: Storage) -> int:
    return int(await storage.pool.fetchval("SELECT count(*) FROM note_records"))


async def test_every_note_of_before_is_found_as_a_typed_record(
    url: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(old_notes, "BATCH", 7)
    await write(url, *((name, value) for name, value, _ in OLD))
    with caplog.at_level(logging.WARNING):
        async with opened(url) as storage:
            now = [note for _, _, note in OLD if note is not None]
            for note in now:
                assert await storage.notes.get(Key(type(note), key_parts(note))) == note
            assert await stored(storage) == len(now)
            rows = await storage.pool.fetch("SELECT kind, space, written_at_ms FROM note_records")
    assert not caplog.records
    of_space = {record.kind for record in ALL if isinstance(record.expiry, AfterSpace)}
    for row in rows:
        assert row["space"] == (SPACE if row["kind"] in of_space else None)
        assert row["written_at_ms"] == 5
    younger = {DelegatedLeaves, PlainCallsOn, CallsWanted}
    of_then = [record for record in ALL if record not in younger]
    assert {row["kind"] for row in rows} == {record.kind for record in of_then}
    async with connected(url) as connection:
        with pytest.raises(Exception, match="notes"):
            await connection.fetch("SELECT name FROM notes")


async def test_what_no_bridge_has_written_is_left_out_and_said(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    await write(url, *STRANGE, ("dm:@ada:x", "!room:x"))
    with caplog.at_level(logging.WARNING):
        async with opened(url) as storage:
            assert await stored(storage) == 1
    assert "2 notes of before (invitation) cannot be read" in caplog.text
    assert "1 notes of before (unknown) cannot be read" in caplog.text


async def test_a_note_of_unknown_age_counts_as_written_now(url: str) -> None:
    """Else the first pruning would take the tap that silenced somebody."""
    await write(url, *((name, value) for name, value, _ in OLD), at_ms=0)
    async with opened(url) as storage:
        oldest = await storage.pool.fetchval("SELECT min(written_at_ms) FROM note_records")
        assert oldest > 1_700_000_000_000


def test_a_note_of_before_becomes_a_record_or_is_refused() -> None:
    for name, value, note in OLD:
        found = converted(name, value)
        assert (found is None) == (note is None)
        if found is not None and note is not None:
            assert isinstance(found, Converted)
            assert (found.kind, tuple(found.key)) == (note.kind, key_parts(note))
    for name, value in STRANGE:
        with pytest.raises((ValueError, TypeError, KeyError, AttributeError)):
            converted(name, value)
