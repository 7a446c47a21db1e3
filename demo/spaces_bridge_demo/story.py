"""The demo's story on the terminal: the live space as it unfolds, line by line."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

PLAIN = ""
BOLD, DIM = "1", "2"
RED, GREEN, YELLOW, CYAN = "31", "32", "33", "36"
VOICES = ("35", "34", "33", "36", "32")
NAME_WIDTH = 9


class Story:
    """The story, printed with its time; in colour on a terminal, unless NO_COLOR is set."""

    def __init__(self, out: TextIO = sys.stdout) -> None:
        self._out = out
        self._colour = out.isatty() and not os.environ.get("NO_COLOR")
        self._began = time.monotonic()
        self._voices: dict[str, str] = {}
        self.observed: list[str] = []

    def title(self, text: str) -> None:
        """Begin a new part of the story."""
        self._line("")
        self._line(f"  {self._in(BOLD, text)}")

    def tell(self, text: str) -> None:
        """Print something that happens."""
        self._line(f"{self._clock()}  {text}")

    def says(self, name: str, text: str) -> None:
        """Print the words that somebody speaks into the microphone."""
        self._line(f"{self._clock()}  {self._name(name)} 🎤 {text}")

    def caption(self, name: str, text: str) -> None:
        """Print a caption that came into the Matrix room."""
        self._line(f"{self._clock()}  {self._name(name)} 💬 {self._in(DIM, text)}")

    def observe(self, step: str, text: str) -> None:
        """Print that a step was observed from outside."""
        self.observed.append(step)
        self._line(f"{self._clock()}  {self._in(GREEN, '✓ ' + step)}  {text}")

    def fail(self, step: str, text: str) -> None:
        """Print that a step was not observed."""
        self._line("")
        self._line(f"{self._clock()}  {self._in(RED, '✗ ' + step)}  {text}")

    def link(self, label: str, value: str) -> None:
        """Print a value to copy."""
        self._line(f"    {label:<16} {self._in(CYAN, value)}")

    @contextmanager
    def work(self, text: str) -> Iterator[None]:
        """Print the name of work that takes a while, and how long it took."""
        began = time.monotonic()
        self._line(f"{self._clock()}  {self._in(YELLOW, '…')} {text}")
        yield
        took = time.monotonic() - began
        self._line(f"{self._clock()}  {self._in(DIM, f'  done in {took:.1f} s')}")

    def _name(self, name: str) -> str:
        voice = self._voices.setdefault(name, VOICES[len(self._voices) % len(VOICES)])
        return self._in(voice, f"{name:<{NAME_WIDTH}}")

    def _clock(self) -> str:
        seconds = int(time.monotonic() - self._began)
        return self._in(DIM, f"{seconds // 60:3d}:{seconds % 60:02d}")

    def _in(self, colour: str, text: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self._colour and colour else text

    def _line(self, text: str) -> None:
        print(text, file=self._out, flush=True)
