"""What the page says: catalogues, how one is chosen, and that nothing is said past them."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from babel import Locale

import spaces_bridge.web
from spaces_bridge.web.languages import NOT_FOR_SCRIPTS, PSEUDO, Catalogues
from tests.support.sentences import catalogue

pytestmark = pytest.mark.unit

WEB = Path(spaces_bridge.web.__file__).parent
CATALOGUES: dict[str, dict[str, Any]] = {
    path.stem: json.loads(path.read_text("utf-8")) for path in (WEB / "locales").glob("*.json")
}
ENGLISH = CATALOGUES["en"]
FROM_THE_SERVER = ("error.", "notice.")
"""Keys that are codes of frames, and asked for by them."""

KEY = r"([a-z_]+(?:\.[a-z_0-9-]+)?)"


def forms(sentence: Any) -> list[str]:  # noqa: ANN401 - JSON
    return list(sentence.values()) if isinstance(sentence, dict) else [sentence]


def placeholders(sentence: Any) -> set[str]:  # noqa: ANN401 - JSON
    return {name for form in forms(sentence) for name in re.findall(r"\{([a-z_]+)\}", form)}


def asked_for() -> tuple[set[str], set[str]]:
    """Keys that scripts and templates name whole, and the beginnings of those they compose."""
    whole, begun = set[str](), set[str]()
    for path in [*(WEB / "static").rglob("*.js"), *(WEB / "templates").rglob("*.html")]:
        text = path.read_text("utf-8")
        whole |= set(re.findall(r"""["'`]([a-z_]+\.[a-z_0-9]+)["'`]""", text)) & ENGLISH.keys()
        begun |= set(re.findall(r"""[`"']([a-z_]+\.(?:[a-z_]+_)?)(?:\$\{|["'] ~)""", text))
    return whole, begun


def test_every_sentence_is_said_somewhere() -> None:
    whole, begun = asked_for()
    known = {key for key in ENGLISH if key.startswith((*FROM_THE_SERVER, *begun))}
    assert ENGLISH.keys() - whole - known == set()


def test_the_page_knows_every_sentence_of_the_server() -> None:
    spoken = catalogue()
    known = {f"error.{code}": text for code, text in spoken["errors"].items()}
    known |= {f"notice.{code}": text for code, text in spoken["notices"].items()}
    assert {k: s for k, s in ENGLISH.items() if k.startswith(FROM_THE_SERVER)} == known


def test_scripts_and_templates_say_only_what_there_is() -> None:
    for path in [*(WEB / "static").rglob("*.js"), *(WEB / "templates").rglob("*.html")]:
        text = path.read_text("utf-8")
        named = set(re.findall(r"""\b(?:say|t)\(\s*["']([a-z_]+\.[a-z_0-9]+)["']\s*[,)]""", text))
        assert named <= ENGLISH.keys(), path


@pytest.mark.parametrize("code", sorted(CATALOGUES))
def test_a_catalogue_says_everything_with_the_same_values(code: str) -> None:
    catalogue = CATALOGUES[code]
    assert catalogue.keys() == ENGLISH.keys()
    for key, sentence in catalogue.items():
        assert placeholders(sentence) == placeholders(ENGLISH[key]), key
        assert isinstance(sentence, dict) == isinstance(ENGLISH[key], dict), key
        assert all(form.strip() == form and form for form in forms(sentence)), key


@pytest.mark.parametrize("code", sorted(CATALOGUES))
def test_what_counts_has_every_plural_of_its_language(code: str) -> None:
    wanted = {*Locale.parse(code, sep="-").plural_form.tags, "other"}
    for key, sentence in CATALOGUES[code].items():
        if isinstance(sentence, dict):
            assert sentence.keys() == wanted, key


@pytest.mark.parametrize(
    ("wanted", "accepted", "chosen"),
    [
        ("", "", "en"),
        ("en", "de", "en"),
        ("", "en-GB,en;q=0.9", "en"),
        ("", "nl;q=0.9, de-AT;q=0.8, en;q=0.5", "de"),
        ("ar", "de", "ar"),
        ("xx", "", "en"),
        ("../../etc/passwd", "';--", "en"),
        ("", "*", "en"),
        ("", ",".join(["q"] * 5000), "en"),
        (PSEUDO, "de", PSEUDO),
    ],
)
def test_the_language_is_chosen(wanted: str, accepted: str, chosen: str) -> None:
    assert Catalogues().choose(wanted, accepted).code == chosen


def test_values_are_escaped_and_the_pseudo_language_is_bracketed() -> None:
    english = Catalogues().choose("en", "")
    hosted = english.say("space.hosted_by", host="<b>{count}</b>")
    assert hosted == "Hosted by &lt;b&gt;{count}&lt;/b&gt;"
    assert english.say("headline.listening", count=1) == "1 listening"
    pseudo = Catalogues().choose(PSEUDO, "")
    assert pseudo.say("headline.listening", count=7) == "[7 líšťéñíñg]".replace("ť", "t")


def test_what_the_script_gets_cannot_leave_its_block() -> None:
    for language in Catalogues().all.values():
        assert not set("<>&") & set(language.for_script)
        for_script = json.loads(language.for_script)["sentences"]
        left_out = language.sentences.keys() - for_script.keys()
        assert for_script.items() <= language.sentences.items()
        assert all(key.startswith(NOT_FOR_SCRIPTS) for key in left_out)
