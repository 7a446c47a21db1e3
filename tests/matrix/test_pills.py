"""People linked in a message."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces_bridge.core.ids import UserId
from spaces_bridge.matrix.text.pills import pills_of, with_ids

pytestmark = pytest.mark.unit

BEN, MIA = UserId("@ben:x.org"), UserId("@mia:x.org")


def test_names_become_the_ids_they_link_to() -> None:
    formatted = (
        '!space invite <a href="https://matrix.to/#/@ben:x.org">Ben &amp; Co</a> '
        "<a class='pill' href='https://matrix.to/#/%40mia%3Ax.org?via=x.org'>Mia</a> "
        '<a href="https://matrix.to/#/#room:x.org">Room</a> <a href="https://x.org">Eve</a>'
    )
    pills = pills_of(formatted)
    assert pills == (("Ben & Co", BEN), ("Mia", MIA))
    assert with_ids("Ben & Co, Mia Room", pills) == f"{BEN}, {MIA} Room"


def test_the_same_name_twice_is_two_people() -> None:
    assert with_ids("Ann Ann", [("Ann", BEN), ("Ann", MIA)]) == f"{BEN} {MIA}"


@pytest.mark.parametrize("formatted", [None, 7, "", "<a href=", "x" * 30_000])
def test_what_links_to_nobody_changes_nothing(formatted: object) -> None:
    assert pills_of(formatted) == ()
    assert with_ids("ben", ()) == "ben"


@given(st.text(max_size=300), st.text(max_size=50))
def test_any_html_is_read_without_surprise(formatted: str, text: str) -> None:
    pills = pills_of(f'<a href="https://matrix.to/#/@ben:x.org">{formatted}</a>')
    assert isinstance(with_ids(text, pills), str)
