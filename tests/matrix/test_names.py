"""Display names made harmless."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces_bridge.core.text.names import account_name

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Ada", "Ada"),
        ("  Ada \n Lovelace ", "Ada Lovelace"),
        ("host\u202egpj", "hostgpj"),
        ("Z" + "\u0301" * 500, "Ź\u0301\u0301\u0301"),
        ("👨‍👩‍👧 family", "👨‍👩‍👧 family"),
        ("", "ada"),
        ("\u200b\u202e", "ada"),
        (None, "ada"),
        (7, "ada"),
        ("x" * 500, "x" * 40),
        ("\ud800lone", "lone"),
        ("👩" + "\u200d👩" * 100, ("👩\u200d" * 6)[:-1]),
    ],
)
def test_names_are_tidied(name: object, shown: str) -> None:
    assert account_name(name, "@ada:example.org") == shown


@given(st.text())
def test_a_name_is_always_short_and_on_one_line(name: str) -> None:
    shown = account_name(name, "@ada:x")
    assert 0 < len(shown) <= 40 * 12
    assert len(shown.splitlines()) == 1
