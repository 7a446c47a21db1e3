"""Lets one module load as usual, and breaks it before anybody uses it."""

import importlib.abc
import importlib.machinery
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

Damage = Callable[[Any], None]
"""Takes the loaded module apart."""


def break_module(name: str, damage: Damage) -> None:
    """Break this module when it is imported in this process."""
    sys.meta_path.insert(0, Saboteur(name, damage))


class Saboteur(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds one module by the usual finder, with itself as the loader."""

    def __init__(self, name: str, damage: Damage) -> None:
        self._name = name
        self._damage = damage
        self._loader: importlib.abc.Loader | None = None

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Our one module; every other one is not our affair."""
        if fullname != self._name:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None:
            self._loader, spec.loader = spec.loader, self
        return spec

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        """As usual."""
        return self._loader.create_module(spec) if self._loader else None

    def exec_module(self, module: ModuleType) -> None:
        """As usual, and then the damage."""
        if self._loader is not None:
            self._loader.exec_module(module)
        self._damage(module)
