"""USER in a command."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces_bridge.core import commands as cmd
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.matrix.text import people
from spaces_bridge.matrix.text.people import FoundUser, user_id
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
    assert people.one(space, people.with_hands(space), text) == who


@pytest.mark.parametrize("text", ["", "0", "4", "zoe", "be", "Gus"])
def test_whom_nobody_can_tell_is_asked_for_in_words(space: LiveSpace, text: str) -> None:
    with pytest.raises(Rejected) as refusal:
        people.one(space, people.with_hands(space), text)
    assert refusal.value.text.endswith(".")


def test_a_lone_hand_needs_no_name() -> None:
    space = after(live_space(), cmd.RequestToSpeak(BEN, 1))
    assert people.one(space, people.with_hands(space), "") == BEN


def test_nobody_speaking_is_said_so() -> None:
    with pytest.raises(Rejected):
        people.one(live_space(), people.speaking(live_space()), "ben")


@pytest.mark.parametrize(
    "text", ["ada", "@ada", "ada:x", "@:x", "@a b:x", "@a\n:x", "@" + "a" * 300 + ":x", "@ä:x"]
)
def test_what_is_no_matrix_id_is_none(text: str) -> None:
    assert user_id(text) is None


MIA, MIA_TWO = UserId("@maier:example.org"), UserId("@mimi:example.org")


@pytest.mark.parametrize(
    ("text", "who", "rest"),
    [
        ("Mia Maier", MIA, ""),
        ("Mia Maier bad words", MIA, "bad words"),
        ("mia maier: bad words", MIA, "bad words"),
        ("@Mia Maier, bad words", MIA, "bad words"),
        ("Mia bad words", MIA_TWO, "bad words"),
        ("'Mia Maier' bad words", MIA, "bad words"),
        ("„Mia“ bad words", MIA_TWO, "bad words"),
        ("mimi bad words", MIA_TWO, "bad words"),
        ("José sings", EVE, "sings"),
        ("@eve:elsewhere.net, she", EVE, "she"),
    ],
)
def test_the_longest_known_name_counts_and_the_rest_is_the_reason(
    text: str, who: UserId, rest: str
) -> None:
    space = after(
        live_space(),
        cmd.ObserveMember(MIA, True, "Mia Maier"),
        cmd.ObserveMember(MIA_TWO, True, "Mia"),
        cmd.ObserveMember(EVE, True, "José"),
    )
    assert people.one_with_reason(space, people.present(space), text) == FoundUser(who, rest)


def test_names_alike_are_told_apart_by_id() -> None:
    space = after(
        live_space(),
        cmd.ObserveMember(MIA, True, "Ben"),
    )
    with pytest.raises(Rejected, match=r"@ben:example.org, @maier:example.org. Use the ID"):
        people.one_with_reason(space, people.present(space), "ben is rude")


@given(st.text(max_size=200))
def test_whatever_is_written_names_somebody_or_is_refused_in_words(text: str) -> None:
    space = live_space()
    crowd = people.present(space)
    try:
        answer: str = people.one(space, crowd, text)
        answer = people.one_with_reason(space, crowd, text).user
    except Rejected as refusal:
        answer = refusal.text
    assert answer.startswith("@") or answer.endswith(".")


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("Zoë Müller", "Zoe"),
        ("Zoë Müller", "ZOE MULLER"),
        ("Zoe\u0308 Mu\u0308ller", "zoë müller"),
        ("Zoe", "Zoé"),
        ("Straße", "strasse"),
        ("Łukasz Ørsted", "lukasz orsted"),
        ("Ｚｏｅ", "zoe"),
        ("Zoe", "ｚｏｅ"),
        ("Þóra Ægisdóttir", "thora aegisdottir"),
        ("İpek Yıldız", "ipek yildiz"),
        ("Ёлка", "елка"),
        ("مُحَمَّد", "محمد"),
        ("O’Neill", "O'Neill"),
        ("Zoe\u00a0Maier", "zoe maier"),
    ],
)
def test_a_name_is_found_without_its_accents_case_and_width(name: str, written: str) -> None:
    space = after(live_space(), cmd.ObserveMember(MIA, True, name))
    crowd = people.present(space)
    assert people.one(space, crowd, written) == MIA
    assert people.one_with_reason(space, crowd, f"{written}, too loud").user == MIA


@pytest.mark.parametrize("written", ["Ødegård", "odegard", "olaf odegard", "maier:example.org"])
def test_a_later_part_of_a_name_or_an_id_without_its_sign_names_its_bearer(written: str) -> None:
    space = after(live_space(), cmd.ObserveMember(MIA, True, "Zoë Olaf Ødegård 🦊"))
    crowd = people.present(space)
    assert people.one(space, crowd, written) == MIA
    other = after(space, cmd.ObserveMember(EVE, True, "Odegard"))
    if "odegard" in written.lower() and " " not in written:
        assert people.one(other, people.present(other), written) == EVE
    with pytest.raises(Rejected, match="Nobody called"):
        people.one(space, crowd, "degard")


@pytest.mark.parametrize(("name", "other"), [("ガク", "カク"), ("कि", "क"), ("Анна", "Анно")])
def test_letters_that_look_like_accents_are_kept(name: str, other: str) -> None:
    space = after(live_space(), cmd.ObserveMember(MIA, True, name))
    with pytest.raises(Rejected, match="Nobody called"):
        people.one_with_reason(space, people.present(space), other)


def test_a_name_as_it_is_written_comes_before_one_without_its_accents() -> None:
    space = after(
        live_space(),
        cmd.ObserveMember(MIA, True, "Zoë"),
        cmd.ObserveMember(MIA_TWO, True, "Zoe"),
        cmd.ObserveMember(EVE, True, "Zoé"),
    )
    crowd = people.present(space)
    assert people.one(space, crowd, "zoe") == MIA_TWO
    assert people.one(space, crowd, "Zoë") == MIA
    assert people.one(space, crowd, "@maier:example.org") == MIA
    with pytest.raises(Rejected, match="Several people") as refusal:
        people.one(space, crowd, "Zoê")
    assert all(user in refusal.value.text for user in (MIA, MIA_TWO, EVE))


@pytest.mark.parametrize("after", ["", ".", ",", ")", ").", ">", '"', "`"])
@pytest.mark.parametrize("start", ["", "https://matrix.to/#/", "<https://matrix.to/#/"])
def test_an_id_is_known_with_what_stuck_to_it(start: str, after: str) -> None:
    assert user_id(f"{start}@mia:example.org{after}") == "@mia:example.org"
