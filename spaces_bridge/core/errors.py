"""The one error of the rules, and what all errors have in common that are told to somebody."""

from spaces_bridge.core.sentences import Sentence, Value


class TellsPeople(Exception):
    """An error with a sentence for people: `template` with its `values` filled in."""

    def __init__(self, code: str, template: str, /, **values: Value) -> None:
        self.said = Sentence(code, template, values)
        super().__init__(self.said.text)

    @property
    def code(self) -> str:
        """Stable, for programs."""
        return self.said.code

    @property
    def text(self) -> str:
        """One plain sentence for people."""
        return self.said.text


class Rejected(TellsPeople):
    """A command that the rules refuse: the asker's fault, told to the asker, nothing changed."""
