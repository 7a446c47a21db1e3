"""C programs that are compiled when they are needed, if there is a compiler."""

import shutil
import subprocess
from pathlib import Path

COMPILER = "cc"


class FloorBroken(Exception):
    """A C program cannot be built here, or did not send what it should."""


def buildable() -> bool:
    """Return whether there is a C compiler."""
    return shutil.which(COMPILER) is not None


def built(source: Path, directory: Path) -> Path:
    """Compile a source to a library in the directory. Raises FloorBroken."""
    library = directory / f"{source.stem}.so"
    argv = [COMPILER, "-O2", "-shared", "-fPIC", "-o", str(library), str(source)]
    ran = subprocess.run(argv, capture_output=True, text=True, timeout=60.0, check=False)
    if ran.returncode != 0:
        raise FloorBroken(f"{COMPILER} could not build {source.name}:\n{ran.stderr}")
    return library
