"""The property tests make every move that there is."""

import ast
import inspect
from typing import get_args

import pytest

from spaces_bridge.core import commands as cmd
from tests.core import moves, space_model

pytestmark = pytest.mark.unit


def test_every_command_is_among_the_moves() -> None:
    made = {
        node.attr
        for module in (moves, space_model)
        for node in ast.walk(ast.parse(inspect.getsource(module)))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "cmd"
    }
    assert {command.__name__ for command in get_args(cmd.Command)} <= made
