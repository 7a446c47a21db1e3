"""The page about commands."""

from pathlib import Path

import pytest

from spaces_bridge.matrix.commands.docs import commands_page
from spaces_bridge.matrix.text.verbs import VERBS

pytestmark = pytest.mark.unit

PAGE = Path(__file__).parents[2] / "docs" / "commands.md"


def test_the_page_is_what_the_table_of_commands_says() -> None:
    assert PAGE.read_text() == commands_page(), "run `make docs`"


def test_every_command_is_on_the_page_once() -> None:
    rows = [line for line in commands_page().splitlines() if line.startswith("| `")]
    named = [row.removeprefix("| `").replace("`", " ").split()[0] for row in rows]
    assert named == list(VERBS)


def test_no_command_has_more_columns_than_the_table() -> None:
    rows = [line for line in commands_page().splitlines() if line.startswith("| `")]
    assert {row.replace("\\|", "").count("|") for row in rows} == {4}
