"""Which names look like which, and what names are dressed in."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces_bridge.core.text.lookalikes import known_as, misleads, variants
from spaces_bridge.core.text.names import clean_name
from spaces_bridge.core.text.skeletons import alike, looks, skeleton

pytestmark = pytest.mark.unit

CYRILLIC = {
    "A": "А",
    "a": "а",
    "e": "е",
    "o": "о",
    "p": "р",
    "c": "с",
    "x": "х",
    "H": "Н",
    "B": "В",
}
GREEK = {"A": "Α", "o": "ο", "B": "Β", "H": "Η", "i": "ι", "v": "ν", "K": "Κ"}
MATHEMATICAL = {chr(0x61 + n): chr(0x1D41A + n) for n in range(26)}
WIDE = {chr(at): chr(at + 0xFEE0) for at in range(0x21, 0x7F)}
SWAPS = {"l": "I", "I": "1", "O": "0", "0": "O", "m": "rn", "w": "vv", "i": "ı"}
DISGUISES = (CYRILLIC, GREEK, MATHEMATICAL, WIDE, SWAPS)
LATIN = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
MARKS = "\u0301\u0308\u0323\u0335\u20dd"
HIDDEN = "\u00ad\u034f\u115f\u200b\u200d\u202e\u2066\u3164\ufe0f\U000e0041"


def imitates(name: str, other: str) -> bool:
    return not variants(name).isdisjoint(known_as(other))


@pytest.mark.parametrize(
    "name",
    [
        *(
            "Аda",
            "Adа",
            "αda",
            "А\u0501а",
            "ADA",
            "ada",
            "AdA",
            "Ad\u200da",
            "Ada\u3164",
            "Ad\u034fa",
        ),
        *(
            "Adá",
            "A\u0308da",
            "Ada\u20dd",
            "Ạda",
            "Ａｄａ",
            "𝐀𝐝𝐚",
            "𝒜𝒹𝒶",
            "ⓐⓓⓐ",
            "ᴀᴅᴀ",
            "🅰🅳🅰",
            "ᵃᵈᵃ",
        ),
        *(
            "A d a",
            "Ada!",
            "Ada 🎤",
            "·Ada·",
            "@ada",
            "Ada.",
            "“Ada”",
            "AdaHost",
            "adahost",
            "HostAda",
        ),
        *("Ada (host)", "Ada – co-host", "Ada the host", "The Ada", "TheRealAda", "the real Ada"),
        *(
            "official Ada",
            "Ada (guest)",
            "Ada, Admin",
            "Gastgeberin Ada",
            "مضيف Ada",
            "Ada ✔ verified",
        ),
        *("Ada the real official host", "host host host Ada host host host"),
    ],
)
def test_whoever_looks_like_ada_is_found_out(name: str) -> None:
    assert imitates(name, "Ada")
    assert imitates(clean_name(name), "Ada")


KISS = "👩🏽‍❤️‍💋‍👨🏿"
"""One picture of ten characters, which says nothing of a name."""


@pytest.mark.parametrize("name", ["Ada", "Аda", "ⓐⓓⓐ", "ᵃᵈᵃ", "🅰🅳🅰", "ᴀᴅᴀ"])
def test_nobody_hides_behind_a_row_of_pictures(name: str) -> None:
    crowded = clean_name(KISS * 30 + name)
    assert crowded.endswith(name)
    assert imitates(crowded, "Ada")


def test_no_name_is_longer_than_what_is_read_of_it() -> None:
    for sign in (KISS[:4] + "‍❤️" * 9, KISS, "ﷺ́̂̃", "ạ́̈"):
        name = clean_name(sign * 99)[:-1] + "x"
        assert {look[-1] for look in looks(name)} == {"x"}


@pytest.mark.parametrize(
    "name",
    [
        *(
            "Adam",
            "Adah",
            "Ida",
            "Eda",
            "Adele",
            "Ada B",
            "Ada Byron",
            "Adala",
            "Adael",
            "Ada2",
            "Da",
        ),
        *("Адам", "Αδάμ", "آدا", "艾達", "アダ", "아다", "अदा", "אדה", "🎉", "A", ""),
    ],
)
def test_other_people_keep_their_names(name: str) -> None:
    assert not imitates(name, "Ada")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        *(("Bob", "B0b"), ("Al", "AI"), ("Al", "A1"), ("Miriam", "Miriarn"), ("Wera", "VVera")),
        *(("Fatima", "Fatıma"), ("İpek", "ipek"), ("Bjørn", "Bjorn"), ("Łukasz", "Lukasz")),
        *(("René", "Rene"), ("Straße", "STRASSE"), ("Сергей", "Ceргeй"), ("Ίων", "Ιων")),
        *(("مريم", "مریم"), ("ك", "ک"), ("🎉", "🎉"), ("Ian", "lan"), ("ſam", "Sam")),
    ],
)
def test_these_look_alike(one: str, other: str) -> None:
    assert alike(one, other)
    assert alike(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("がく", "かく"),
        ("अनु", "अन"),
        ("🎉", "🎊"),
        ("王", "玉"),
        ("Νίκος", "Nikos"),
        ("Vera", "Wera"),
    ],
)
def test_these_do_not(one: str, other: str) -> None:
    assert not alike(one, other)


def test_what_is_said_besides_a_name_does_not_protect_it_less() -> None:
    for known in (
        "Ada (she/her)",
        "Ada | Example Org",
        "Ada - on air",
        "Ada [mod]",
        "Ada, London",
    ):
        assert imitates("Аda", known)
        assert imitates(known, known)
    assert not imitates("Jean", "Jean-Luc")


@pytest.mark.parametrize("name", ["Tal", "Mari", "Isabel", "G", "Theodor"])
def test_names_within_names_are_no_disguise(name: str) -> None:
    longer = {
        "Tal": "Talbot",
        "Mari": "Mariam",
        "Isabel": "Isabella",
        "G": "Gthe",
        "Theodor": "Theodora",
    }
    assert not imitates(longer[name], name)


@pytest.mark.parametrize(
    "name",
    [
        *(
            "Host",
            "the host",
            "THE HOST",
            "h o s t",
            "Ηost",
            "hоst",
            "Co-Host",
            "cohost",
            "I am the host",
        ),
        *(
            "I'm the host",
            "Ada (host)",
            "Eve [Moderator]",
            "Eve | admin",
            "🎤 host",
            "Eve – Gastgeber",
        ),
        *("مضيف", "Ведущая", "Anfitriona", "Hôte", "thehost", "аdmin", "Admin ✔", "Spaces: bot"),
        *(
            "@ada:example.org",
            "＠ada：example.org",
            "it is @ada:example.org",
            "@a\u200bda:x",
            "@ada꞉x",
        ),
    ],
)
def test_a_name_claims_no_role_and_is_no_id(name: str) -> None:
    assert misleads(name)
    assert misleads(clean_name(name))


@pytest.mark.parametrize(
    "name",
    [
        *(
            "Jenny Host",
            "Ghost",
            "Hostel",
            "Hosta",
            "Lea Speaker",
            "Speaker 2",
            "Ada@home",
            "the",
            "Co",
        ),
        *(
            "Anna: hi",
            "Talbot",
            "Modesta",
            "Guest",
            "Guest 7",
            "Иван",
            "Γιώργος",
            "محمد",
            "李雷",
            "🎉",
            "",
        ),
    ],
)
def test_names_without_a_claim_are_nothing_special(name: str) -> None:
    assert not misleads(name)


def test_skeletons_are_those_of_the_standard() -> None:
    assert skeleton("paypal") == skeleton("раураl") == skeleton("pay\u200bpal")
    assert skeleton("Rn1I|") == "Rnlll"
    assert skeleton("m") == skeleton("rn")


@given(st.characters().filter(clean_name))
def test_everything_looks_like_its_skeleton(char: str) -> None:
    assert alike(char, skeleton(char))


def test_the_whole_table_was_read() -> None:
    changed = sum(
        skeleton(chr(at)) != unicodedata.normalize("NFD", chr(at)) for at in range(0x30000)
    )
    assert changed > 6_000


@given(
    st.text(st.sampled_from(LATIN), min_size=1, max_size=12),
    st.lists(st.tuples(st.integers(0, 11), st.sampled_from(DISGUISES)), max_size=12),
    st.lists(st.tuples(st.integers(0, 12), st.sampled_from(MARKS + HIDDEN + " .!-")), max_size=6),
)
def test_no_disguise_of_single_letters_hides_a_name(
    name: str, swaps: list[tuple[int, dict[str, str]]], more: list[tuple[int, str]]
) -> None:
    letters = list(name)
    for at, table in swaps:
        if at < len(letters) and letters[at] == name[at]:
            letters[at] = table.get(name[at], name[at])
    for at, char in more:
        letters.insert(min(at + 1, len(letters)), char)
    assert imitates("".join(letters), name)


@given(st.text(max_size=60))
def test_every_name_looks_like_itself_and_can_be_read(text: str) -> None:
    name = clean_name(text)
    misleads(name)
    assert looks(name) <= variants(name)
    assert looks(name) <= known_as(name)
    assert bool(looks(name)) == bool(name)
