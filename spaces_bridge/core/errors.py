"""The one error of the rules, and the base of all errors that are told to people."""

from spaces_bridge.core.sentences import Sentence, Value


class TellsPeople(Exception):
    """An error that carries a sentence for people: `template` with its `values` filled in."""

    def __init__(self, code: str, template: str, /, **values: Value) -> None:
        self.said = Sentence(code, template, values)
        super().__init__(self.said.text)

    @property
    def code(self) -> str:
        """The sentence's stable code, for programs."""
        return self.said.code

    @property
    def text(self) -> str:
        """The plain sentence for people."""
        return self.said.text


class Rejected(TellsPeople):
    """The rules refuse a command: the asker's fault, told to the asker, and nothing changed."""
