"""The saboteur lets one module load as usual, and breaks it before anybody uses it."""

import importlib.abc
import importlib.machinery
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

Damage = Callable[[Any], None]
"""A function that breaks the loaded module."""


def break_module(name: str, damage: Damage) -> None:
    """Break the named module when it is imported in this process."""
    sys.meta_path.insert(0, Saboteur(name, damage))


class Saboteur(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """An import hook: finds one module by the usual finder, with itself as the loader."""

    def __init__(self, name: str, damage: Damage) -> None:
        self._name = name
        self._damage = damage
        self._loader: importlib.abc.Loader | None = None

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return the spec of the one module, with this loader; None for every other one."""
        if fullname != self._name:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None:
            self._loader, spec.loader = spec.loader, self
        return spec

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        """Create the module as usual."""
        return self._loader.create_module(spec) if self._loader else None

    def exec_module(self, module: ModuleType) -> None:
        """Execute the module as usual, then do the damage."""
        if self._loader is not None:
            self._loader.exec_module(module)
        self._damage(module)
