"""Every kind of note: what is stored of it, and how long. The names here are rows in databases."""

import inspect
import json
import pkgutil
from dataclasses import asdict, fields
from importlib import import_module
from typing import Any

import pytest
from hypothesis import given

from spaces_bridge.app import codec, notes
from spaces_bridge.app.notes.kinds import ALL
from spaces_bridge.app.notes.plain_calls import PlainCallsOn
from spaces_bridge.app.notes.record import (
    AfterHandling,
    AfterSpace,
    AfterWriting,
    Expiry,
    ForEver,
    Note,
    key_parts,
)
from tests.support.each_note import EACH, any_note

pytestmark = pytest.mark.unit

STORED = {
    "user_room": "user | user room | for ever",
    "room_user": "room | room user | for ever",
    "encryption_explained": "room | room instead | 365 after writing",
    "latest_invitation": "user | user invitation | for ever",
    "invitation_message": "event | event invitation | 365 after space",
    "stage_invitation_message": "event | event space user | 365 after space",
    "hand_message": "event | event space user | 365 after space",
    "invitation_reaction": (
        "reaction | reaction emoji space user message hosts | 365 after writing"
    ),
    "card_reaction": "reaction | reaction effect user subject | 365 after writing",
    "invited": "space by user | space by user phase task | 30 after space",
    "latest_from": "sender user | sender user space | for ever",
    "day_count": "counted user | counted user day taken | 2 after writing",
    "uninvited_followers": "space by | space by had_enough | 30 after space",
    "followers_invited": "space by | space by source | 30 after space",
    "shown_message": "shown space | shown space event | 365 after space",
    "shown_edition": "shown space | shown space frame whole at_ms edits | 365 after space",
    "shown_complete": "shown space | shown space | 365 after space",
    "bubble_space": "event | event space | 365 after space",
    "bubble_given_up": "space | space reason | 365 after space",
    "bubble_reaction": "space emoji | space emoji event | 365 after space",
    "room_shown": "space | space digests | 365 after space",
    "pinned_post": "space number | space number event | 30 after space",
    "latest_caption": "space | space event | 30 after space",
    "lock_announced": "space | space locked task | 30 after space",
    "hand_asked": "space moderator user | space moderator user hand_at_ms task | 30 after space",
    "levels_before": "room | room event task | 30 after writing",
    "uploaded_picture": "digest | digest address | for ever",
    "command_space": "event | event space | 7 after handling",
    "command_person": "event | event user rest | 7 after handling",
    "command_unblocked": "event | event target | 7 after handling",
    "command_reworded": "message | message edit | 30 after writing",
    "read_back_from": " | since_ms | for ever",
    "delegated_leaves": " | leaves | 7 after writing",
    "plain_calls_on": " | calls | 7 after writing",
    "calls_wanted": "space | space users | 30 after space",
}
"""Stored name: key fields | fields | days. A change here needs a migration of stored rows."""


def kept(expiry: Expiry) -> str:
    match expiry:
        case ForEver():
            return "for ever"
        case AfterWriting(days):
            return f"{days} after writing"
        case AfterSpace(days):
            return f"{days} after space"
        case AfterHandling(days):
            return f"{days} after handling"


def described(record: Any) -> str:  # noqa: ANN401  every note is a dataclass
    names = " ".join(field.name for field in fields(record))
    return f"{' '.join(record.key_fields)} | {names} | {kept(record.expiry)}"


def test_what_is_stored_of_each_kind_is_what_databases_hold() -> None:
    assert {record.kind: described(record) for record in ALL} == STORED


def test_every_record_is_in_the_list_and_has_a_name_of_its_own() -> None:
    names = [module.name for module in pkgutil.iter_modules(notes.__path__)]
    modules = [import_module(f"{notes.__name__}.{name}") for name in names]
    defined = {
        found
        for module in modules
        for _, found in inspect.getmembers(module, inspect.isclass)
        if issubclass(found, Note) and found is not Note
    }
    assert defined == set(ALL)
    assert len({record.kind for record in ALL}) == len(ALL)


def test_there_is_an_example_of_every_kind() -> None:
    assert [type(note) for note in EACH] == list(ALL)


@pytest.mark.parametrize("record", ALL, ids=lambda r: r.kind)
def test_a_record_says_what_it_is_what_its_key_is_and_how_long_it_is_kept(
    record: Any,  # noqa: ANN401  every note is a dataclass
) -> None:
    said = inspect.getdoc(record) or ""
    assert "Kept" in said or "Dropped" in said
    assert "Key: " in said or not record.key_fields
    if isinstance(record.expiry, ForEver):
        assert record.expiry.bounded_by
    if isinstance(record.expiry, AfterHandling):
        assert len(record.key_fields) == 1
    if isinstance(record.expiry, AfterSpace):
        examples: dict[Any, Any] = {type(note): note for note in EACH}
        assert isinstance(examples[record].space, str)


@pytest.mark.parametrize("note", EACH, ids=lambda n: n.kind)
def test_the_key_that_is_asked_for_is_the_key_of_the_note(note: Any) -> None:  # noqa: ANN401
    asked = type(note).key(*(getattr(note, name) for name in note.key_fields))
    assert (asked.record, asked.parts) == (type(note), key_parts(note))


@given(any_note())
def test_what_was_written_is_read_as_it_was(note: Any) -> None:  # noqa: ANN401
    body = json.loads(json.dumps(asdict(note)))
    assert codec.record_from(type(note), body) == note


def test_a_call_that_an_older_version_has_noted_is_read() -> None:
    (note,) = [note for note in EACH if isinstance(note, PlainCallsOn)]
    body = json.loads(json.dumps(asdict(note)))
    newer = ("description", "standing", "wanted", "is_muted", "is_held")
    (call,) = body["calls"]
    for name in newer:
        del call[name]
    (read,) = codec.record_from(PlainCallsOn, body).calls
    assert [getattr(read, name) for name in newer] == ["", "", False, False, False]


@pytest.mark.parametrize("note", EACH, ids=lambda n: n.kind)
def test_a_body_of_another_form_is_not_half_read(note: Any) -> None:  # noqa: ANN401
    body = json.loads(json.dumps(asdict(note)))
    wrong: list[object] = [[], "text", None, {**body, "newer": 1}]
    wrong += [{**body, name: {"no": None}} for name in body]
    wrong += [{n: v for n, v in body.items() if n != name} for name in body if name != "hosts"]
    for each in wrong:
        with pytest.raises(codec.CodecError):
            codec.record_from(type(note), each)
