"""USER in a command."""

import pytest

from spaces_bridge.core import commands as cmd
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.matrix.people import asking, speaking, user_id
from tests.support.spaces import BEN, EVE, GUEST, after, live_space

pytestmark = pytest.mark.unit


@pytest.fixture
def space() -> LiveSpace:
    """Ben, a guest and Eve have their hands up, in this order."""
    return after(
        live_space(),
        cmd.RequestToSpeak(BEN, 1),
        cmd.RequestToSpeak(GUEST, 2, name="Gus", guest=True),
        cmd.ObserveMember(EVE, True, "Benedicta"),
        cmd.RequestToSpeak(EVE, 3),
    )


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("1", BEN),
        ("#2", GUEST),
        ("3.", EVE),
        ("ben", BEN),
        ("Benedicta", EVE),
        ("bened", EVE),
        (EVE, EVE),
        (f"https://matrix.to/#/{EVE}", EVE),
        ("https://matrix.to/#/%40eve%3Aelsewhere.net", EVE),
    ],
)
def test_somebody_is_named_by_number_name_or_id(space: LiveSpace, text: str, who: UserId) -> None:
    assert asking(space, text) == who


@pytest.mark.parametrize("text", ["", "0", "4", "zoe", "be", "Gus"])
def test_whom_nobody_can_tell_is_asked_for_in_words(space: LiveSpace, text: str) -> None:
    with pytest.raises(Rejected) as refusal:
        asking(space, text)
    assert refusal.value.text.endswith(".")


def test_a_lone_hand_needs_no_name() -> None:
    assert asking(after(live_space(), cmd.RequestToSpeak(BEN, 1)), "") == BEN


def test_nobody_speaking_is_said_so() -> None:
    with pytest.raises(Rejected):
        speaking(live_space(), "ben")


@pytest.mark.parametrize(
    "text", ["ada", "@ada", "ada:x", "@:x", "@a b:x", "@a\n:x", "@" + "a" * 300 + ":x", "@ä:x"]
)
def test_what_is_no_matrix_id_is_none(text: str) -> None:
    assert user_id(text) is None
