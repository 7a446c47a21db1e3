"""The story on the terminal, plain and in colour."""

import io

import pytest

from spaces_bridge_demo.story import Story

pytestmark = pytest.mark.unit


class Terminal(io.StringIO):
    """A file that says it is a terminal."""

    def isatty(self) -> bool:
        """It does."""
        return True


def told(out: io.StringIO) -> str:
    """A story with one of everything."""
    story = Story(out)
    story.title("A part")
    story.tell("something happens")
    story.says("Ada", "hello")
    story.caption("Ada", "Hello.")
    story.observe("room", "is there")
    story.fail("gate", "stands open")
    story.link("page", "http://127.0.0.1/s/x")
    with story.work("waiting"):
        pass
    assert story.observed == ["room"]
    return out.getvalue()


def test_a_file_gets_plain_text() -> None:
    text = told(io.StringIO())
    assert "\x1b" not in text
    for part in ("✓ room", "✗ gate", "Ada", "Hello.", "http://127.0.0.1/s/x", "waiting"):
        assert part in text


def test_a_terminal_gets_colour_unless_no_color_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[32m✓ room\x1b[0m" in told(Terminal())
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in told(Terminal())
