"""Where a model comes from, and what is said if it does not."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import pytest

from spaces_bridge.captions.models import (
    KNOWN,
    CaptionsModelCorrupt,
    CaptionsModelMissing,
    PackagedModel,
    model_directory,
)

pytestmark = pytest.mark.unit

HALVES = (b"first half, ", b"second half")
CONFIG = b"{}"


@pytest.fixture
def halves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, PackagedModel]:
    """A known model in two installed packages."""
    for number, half in enumerate(HALVES, start=1):
        package = tmp_path / "site" / f"tiny_half{number}"
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        (package / "weights").write_bytes(half)
        (package / "config.json").write_bytes(CONFIG)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    return {
        "halves": PackagedModel(
            packages=("tiny_half1", "tiny_half2"),
            pieces={
                "model.bin": ("tiny_half1/weights", "tiny_half2/weights"),
                "config.json": ("tiny_half1/config.json",),
            },
            sha256={
                "model.bin": hashlib.sha256(b"".join(HALVES)).hexdigest(),
                "config.json": hashlib.sha256(CONFIG).hexdigest(),
            },
            multilingual=True,
        )
    }


def test_a_known_model_is_put_together_from_its_packages(
    halves: Mapping[str, PackagedModel], tmp_path: Path
) -> None:
    directory = model_directory("halves", tmp_path / "cache", halves)
    assert (directory / "model.bin").read_bytes() == b"".join(HALVES)
    assert (directory / "config.json").read_bytes() == CONFIG
    assert list((tmp_path / "cache").iterdir()) == [directory]


def test_a_model_that_is_there_is_used_without_its_packages(
    halves: Mapping[str, PackagedModel], tmp_path: Path
) -> None:
    directory = model_directory("halves", tmp_path / "cache", halves)
    (tmp_path / "site" / "tiny_half2" / "weights").unlink()
    assert model_directory("halves", tmp_path / "cache", halves) == directory


def test_a_damaged_copy_is_put_together_again(
    halves: Mapping[str, PackagedModel], tmp_path: Path
) -> None:
    directory = model_directory("halves", tmp_path / "cache", halves)
    (directory / "model.bin").write_bytes(b"half of it")
    assert model_directory("halves", tmp_path / "cache", halves) == directory
    assert (directory / "model.bin").read_bytes() == b"".join(HALVES)


def test_a_package_with_other_contents_is_refused_and_leaves_nothing(
    halves: Mapping[str, PackagedModel], tmp_path: Path
) -> None:
    (tmp_path / "site" / "tiny_half2" / "weights").write_bytes(b"something else")
    with pytest.raises(CaptionsModelCorrupt, match=r"model\.bin .* is not the one .* tiny-half2"):
        model_directory("halves", tmp_path / "cache", halves)
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_model_that_is_not_installed_says_how_to_get_it(tmp_path: Path) -> None:
    absent = PackagedModel(("nowhere_models",), {"model.bin": ("nowhere_models/m",)},
                           {"model.bin": "0" * 64}, multilingual=False)  # fmt: skip
    with pytest.raises(CaptionsModelMissing) as caught:
        model_directory("absent", tmp_path, {"absent": absent})
    for word in (
        "nowhere-models",
        "pip install --require-hashes -r requirements/captions.txt",
        "captions.enabled: false",
    ):
        assert word in str(caught.value)


def test_a_directory_of_ones_own_is_used_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "model.bin").touch()
    (tmp_path / "config.json").touch()
    assert model_directory(str(tmp_path), tmp_path / "cache") == tmp_path
    assert not (tmp_path / "cache").exists()


def test_a_directory_without_a_model_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(CaptionsModelMissing, match=r"model\.bin and config\.json missing"):
        model_directory(str(tmp_path), tmp_path / "cache")


def test_a_name_nobody_knows_says_which_are_known(tmp_path: Path) -> None:
    with pytest.raises(CaptionsModelMissing, match=r"'huge'.*\(base, tiny\.en\)"):
        model_directory("huge", tmp_path)


def test_a_package_that_holds_a_model_can_be_named(
    halves: Mapping[str, PackagedModel], tmp_path: Path
) -> None:
    package = tmp_path / "site" / "tiny_half1"
    (package / "model.bin").touch()
    assert model_directory("tiny-half1", tmp_path / "cache") == package


def test_a_cache_that_cannot_be_written_says_so(
    halves: Mapping[str, PackagedModel], tmp_path: Path
) -> None:
    (tmp_path / "cache").touch()
    with pytest.raises(CaptionsModelMissing, match="cannot be put into"):
        model_directory("halves", tmp_path / "cache", halves)


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_the_models_we_know_are_the_ones_we_measured(name: str, model_cache: Path) -> None:
    directory = model_directory(name, model_cache)
    for file, pin in KNOWN[name].sha256.items():
        assert hashlib.sha256((directory / file).read_bytes()).hexdigest() == pin
