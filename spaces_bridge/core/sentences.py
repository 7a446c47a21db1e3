"""Sentences for people: each has a code too, by which a page says it its own way."""

from collections.abc import Mapping
from dataclasses import dataclass, field

Value = str | int


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence for people: its `code` is stable and means this `template` alone.

    `values` fill the template's `{places}`; one without a place is a detail that a page may show
    besides.
    """

    code: str
    template: str
    values: Mapping[str, Value] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The sentence in English."""
        return self.template.format_map(self.values) if self.values else self.template


def say(code: str, template: str, /, **values: Value) -> Sentence:
    """Return a sentence. Templates are literals, so that a test can list them all."""
    return Sentence(code, template, values)
