"""The page's sentences in the reader's language.

A catalogue (`locales/CODE.json`) maps keys to sentences with `{placeholders}`. A sentence that
counts something is an object of plural categories (Unicode TR 35) instead, chosen by `count`.
Where a catalogue lacks a key, the page says it in English.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cached_property
from importlib.resources import files

from babel import Locale, negotiate_locale
from babel.dates import format_datetime
from markupsafe import Markup, escape

Wording = str | Mapping[str, str]

DEFAULT = "en"
PSEUDO = "qps-ploc"
"""The pseudo-language, disguised English in brackets: text without them is in no catalogue."""

NOT_FOR_SCRIPTS = "verify."
"""The beginning of the keys that only a page without scripts says."""

_PLACEHOLDER = re.compile(r"(\{[a-z_]+\})")
_DISGUISE = str.maketrans("aceinorsuyACEINORSUY", "áçéíñóřšúýÁÇÉÍÑÓŘŠÚÝ")
_RANGE = re.compile(
    r"\s*([A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*|\*)\s*(?:;\s*q=([01](?:\.\d{0,3})?))?\s*"
)


class Language:
    """A language: its catalogue, its plurals, its direction."""

    def __init__(self, code: str, sentences: Mapping[str, Wording]) -> None:
        self.code = code
        self.sentences = sentences
        self._locale = Locale.parse(DEFAULT if code == PSEUDO else code, sep="-")

    @property
    def direction(self) -> str:
        """Return `ltr` or `rtl`, as HTML's `dir` wants it."""
        return self._locale.text_direction

    @property
    def name(self) -> str:
        """Return the language's name in the language itself."""
        return "Pseudo" if self.code == PSEUDO else str(self._locale.display_name).capitalize()

    def say(self, key: str, **values: object) -> Markup:
        """Return the sentence as HTML; values are escaped unless markup. Raises KeyError."""
        sentence = self.sentences[key]
        if not isinstance(sentence, str):
            count = values["count"]
            assert isinstance(count, int), key
            sentence = sentence.get(self._locale.plural_form(count)) or sentence["other"]
        return Markup(escape(sentence)).format(**values)

    def moment(self, at_ms: int) -> dict[str, str]:
        """Return a time for machines and, until a script knows the time zone, for people."""
        at = datetime.fromtimestamp(at_ms / 1000, tz=UTC)
        text = format_datetime(at, "d MMM y, HH:mm", locale=self._locale)
        return {"iso": at.isoformat(timespec="seconds"), "text": f"{text} UTC"}

    @cached_property
    def for_script(self) -> str:
        """Return all sentences that the script may need, as JSON that can stand in HTML."""
        sentences = {k: s for k, s in self.sentences.items() if not k.startswith(NOT_FOR_SCRIPTS)}
        data = {"language": self.code, "sentences": sentences}
        text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
        return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


class Catalogues:
    """The languages that have a catalogue, by their codes."""

    def __init__(self) -> None:
        folder = files("spaces_bridge.web") / "locales"
        catalogues = {
            entry.name.removesuffix(".json"): json.loads(entry.read_text("utf-8"))
            for entry in folder.iterdir()
            if entry.name.endswith(".json")
        }
        english = catalogues[DEFAULT]
        self.all = {
            code: Language(code, english | catalogue)
            for code, catalogue in sorted(catalogues.items())
        }
        self._pseudo = Language(PSEUDO, {key: _disguised(s) for key, s in english.items()})

    def choose(self, wanted: str, accepted: str) -> Language:
        """Choose by `wanted`, the code in the address, and `accepted`, the `Accept-Language`."""
        if wanted == PSEUDO:
            return self._pseudo
        preferred = [wanted, *_preferences(accepted)]
        code = negotiate_locale([p for p in preferred if p], list(self.all), sep="-")
        return self.all[code or DEFAULT]


def _preferences(accepted: str) -> list[str]:
    """Return the language ranges of the header (RFC 9110, 12.5.4), the most preferred first."""
    ranges = [match for part in accepted[:500].split(",") if (match := _RANGE.fullmatch(part))]
    weighed = [(float(match[2] or 1), match[1]) for match in ranges]
    return [code for weight, code in sorted(weighed, key=lambda w: -w[0]) if weight > 0]


def _disguised(sentence: Wording) -> Wording:
    if not isinstance(sentence, str):
        return {category: str(_disguised(text)) for category, text in sentence.items()}
    parts = _PLACEHOLDER.split(sentence)
    return "[" + "".join(p if p.startswith("{") else p.translate(_DISGUISE) for p in parts) + "]"
