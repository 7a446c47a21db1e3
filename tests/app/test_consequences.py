"""What follows from each kind of event stays what it is, until somebody means to change it."""

import json
from pathlib import Path
from typing import get_args

import pytest

from spaces_bridge.app.policies import consequences_of
from spaces_bridge.app.policies.consequences import Everybody
from spaces_bridge.core import events as ev
from tests.support import consequences as record

pytestmark = pytest.mark.unit

KNOWN = Path(__file__).with_name("consequences.json")
KINDS = [kind.__name__ for kind in get_args(ev.Event)]


@pytest.fixture(scope="module")
def shapes() -> dict[str, list[str]]:
    with pytest.MonkeyPatch.context() as patch:
        return record.shapes(patch)


def test_each_kind_of_event_is_tried() -> None:
    assert sorted(record.happenings()) == sorted(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_what_follows_is_what_is_known(kind: str, shapes: dict[str, list[str]]) -> None:
    known = json.loads(KNOWN.read_text())
    said = "python -m tests.support.consequences > tests/app/consequences.json"
    assert shapes[kind] == known.get(kind), f"if that is meant: {said}"


def test_nothing_is_known_of_what_cannot_happen() -> None:
    assert sorted(json.loads(KNOWN.read_text())) == sorted(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_whoever_an_event_is_about_is_told_their_rights(kind: str) -> None:
    for event in record.happenings()[kind]:
        concerned = consequences_of(event).rights_of
        user = getattr(event, "user", None)
        assert concerned is Everybody.EVERYBODY or concerned == ((user,) if user else ())
