"""Models for the tests of captions, put together once."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def model_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where models are put together."""
    return tmp_path_factory.mktemp("models")
