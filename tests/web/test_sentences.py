"""What is said on the page can be said in any language: each code stands for one sentence."""

import pytest

from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.sentences import say
from spaces_bridge.web import views
from tests.support.sentences import catalogue, places_of, spoken

pytestmark = pytest.mark.unit

HAND_ON = {"web/problems.py refused", "web/problems.py _of_aiohttp"}
"""They say what the media worker or the HTTP server has said, to programs."""


def test_each_code_stands_for_one_sentence() -> None:
    found = spoken()
    for kind in (found.errors, found.notices):
        doubtful = {code: texts for code, texts in kind.items() if len(texts) > 1}
        assert not doubtful
    assert not found.errors.keys() & found.notices.keys()


def test_every_sentence_can_be_listed() -> None:
    assert spoken().handed == HAND_ON


def test_templates_are_sentences_whose_places_have_plain_names() -> None:
    listed = catalogue()
    assert len(listed["errors"]) > 80
    assert len(listed["notices"]) > 20
    for template in (listed["errors"] | listed["notices"]).values():
        assert template.endswith((".", "!")), template
        assert all(name.isidentifier() for name in places_of(template)), template
    assert not spoken().unfilled


def test_the_english_text_follows_from_template_and_values() -> None:
    said = say("muted_by", "{name} is muted by {by}.", name="{by}", by="Ada {x}")
    assert said.text == "{by} is muted by Ada {x}."
    assert views.notice_view(said) == {
        "type": "notice",
        "code": "muted_by",
        "text": "{by} is muted by Ada {x}.",
        "with": {"name": "{by}", "by": "Ada {x}"},
    }
    assert say("plain", "Braces {} as they are.").text == "Braces {} as they are."
    refusal = Rejected("full", "Full ({most}).", most=3)
    assert (refusal.code, refusal.text, str(refusal)) == ("full", "Full (3).", "Full (3).")
