"""The pure parts of the web room."""

import pytest

from spaces_bridge.core.display_names import shown_name
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.text.names import clean_name
from spaces_bridge.web.feed.verbs import Refusal, command_of, reaction_of
from spaces_bridge.web.http.server import content_security_policy
from spaces_bridge.web.settings import WebSettings
from spaces_bridge.web.views import You

pytestmark = pytest.mark.unit

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("  Maria \t Silva\n", "Maria Silva"),
        ("host\u202egpj", "hostgpj"),
        ("e\u0301", "\u00e9"),
        ("Z" + "\u0335" * 500, "Z" + "\u0335" * 3),
        (FAMILY, FAMILY),
        ("A\x1b[31m\x00\r", "A[31m"),
        ("a" * 500, "a" * 40),
        (FAMILY * 50, FAMILY * 40),
        ("\u202e\u200b", ""),
        ("\u0301\u0301", ""),
        ("", ""),
        ("مريم", "مريم"),
    ],
)
def test_a_name_is_made_harmless(given: str, shown: str) -> None:
    assert clean_name(given) == shown


def test_guests_are_marked_once_and_the_nameless_go_by_their_id() -> None:
    assert shown_name("Maria", "@spaces_1:x", guest=True) == "Maria (guest)"
    assert shown_name("Maria (guest)", "@spaces_1:x", guest=True) == "Maria (guest)"
    assert shown_name("", "@a:x", guest=False) == "@a:x"


def test_a_frame_of_the_nameless_is_no_command() -> None:
    with pytest.raises(Refusal) as refusal:
        command_of({"type": "end"}, You(), 0)
    assert refusal.value.code == "name_needed"
    with pytest.raises(Refusal) as refusal:
        command_of({"type": ["end"]}, You(UserId("@a:x")), 0)
    assert refusal.value.code == "unknown"


def test_a_reaction_is_one_emoji() -> None:
    assert reaction_of({"emoji": "👍🏽"}) == "👍🏽"
    for wrong in ("a", "", "👏👏", None, 7, "👏" * 100):
        with pytest.raises(Refusal):
            reaction_of({"emoji": wrong})


def test_addresses_are_made_from_the_settings() -> None:
    settings = WebSettings(public_url="https://Live.example:8443/", path_prefix="/spaces")
    assert settings.origin == "https://live.example:8443"
    assert settings.page("abc") == "https://Live.example:8443/spaces/s/abc"


@pytest.mark.parametrize(
    ("public_url", "origin"),
    [
        ("https://live.example:443", "https://live.example"),
        ("http://live.example:80/", "http://live.example"),
        ("http://live.example:443", "http://live.example:443"),
        ("https://Bücher.example:8443", "https://xn--bcher-kva.example:8443"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_the_origin_is_written_as_browsers_write_it(public_url: str, origin: str) -> None:
    settings = WebSettings(public_url=public_url)
    assert settings.origin == origin
    assert origin.replace("http", "ws", 1) in content_security_policy(settings)
