"""The one error of the rules."""


class Rejected(Exception):
    """A command that the rules refuse: the asker's fault, told to the asker, nothing changed.

    ``code`` is stable and for programs, ``text`` is one plain sentence for people.
    """

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
