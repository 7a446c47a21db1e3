"""Links as people write them, in the middle of what they say."""

import pytest

from spaces_bridge.core.text.links import shared_link, without_sentence

pytestmark = pytest.mark.unit

LINK = "https://example.org/a?b=c#d"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        *(("", mark) for mark in (".", ",", ";", "!", "?", "…", ").", ")", "]", "}", "。", "，")),
        *(("<", ">"), ("(", ")"), ("(", ")."), ("[", "],"), ('"', '"'), ("“", "”."), ("«", "»")),
        *(("`", "`"), ("‘", "’"), ("「", "」"), (" ", " ")),
    ],
)
def test_the_sentence_around_a_link_is_not_part_of_it(before: str, after: str) -> None:
    assert shared_link(f"{before}{LINK}{after}", set()) == (LINK, None)


@pytest.mark.parametrize(
    "link",
    [
        "https://example.org/Rose_(plant)",
        "https://[2001:db8::1]",
        "https://example.org/{id}",
        "https://example.org/~ada/",
        "https://example.org/_",
        "https://example.org/a-",
    ],
)
def test_what_belongs_to_a_link_stays(link: str) -> None:
    assert without_sentence(link) == link
    assert without_sentence(f"({link}).") == link


def test_a_link_to_a_message_is_known_with_what_stuck_to_it() -> None:
    link = "https://matrix.to/#/!room:example.org/$event?via=example.org"
    assert shared_link(f"({link}).", {"!room:example.org"}) == (link, "$event")


@pytest.mark.parametrize("marks", ["", ")", "<>", "...", "”"])
def test_marks_alone_are_no_link(marks: str) -> None:
    assert without_sentence(marks) == ""
