"""Deployments and worlds of the end-to-end tests."""

import os
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path

import pytest

from spaces_bridge_demo.deployment import Deployment
from spaces_bridge_demo.processes import free_port
from tests.livekit.deployments import livekit_deployment
from tests.support.netns import Network, network
from tests.support.world import World, model_directory, open_deployment

PATIENT = Path(__file__).parents[1] / "support" / "patience"


@pytest.fixture(scope="session", autouse=True)
def _patient_captions() -> Iterator[None]:
    """The caption workers of all deployments here, see there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(PATIENT), prepend=os.pathsep)
        yield


@pytest.fixture(scope="session")
def models() -> Iterator[Path]:
    """Where speech models are put together, once."""
    with model_directory() as directory:
        yield directory


@pytest.fixture(scope="session")
def deployment(models: Path) -> Iterator[Deployment]:
    """The shared deployment: Synapse with rooms of version 12, everything on SQLite."""
    settings = {"reactions": {"ttl_s": 3}}
    with open_deployment(Deployment(models=models, settings=settings)) as opened:
        yield opened


@pytest.fixture
async def world(deployment: Deployment) -> AsyncIterator[World]:
    """People in the shared deployment."""
    async with World(deployment) as people:
        yield people


@pytest.fixture(scope="session")
def livekit(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A deployment whose calls a real livekit-server carries."""
    with livekit_deployment(models, tmp_path_factory.mktemp("livekit")) as opened:
        yield opened


@pytest.fixture(
    params=["embedded", pytest.param("livekit", marks=pytest.mark.needs("livekit-server"))]
)
def carried(request: pytest.FixtureRequest) -> Deployment:
    """The deployment of an engine."""
    name = "deployment" if request.param == "embedded" else "livekit"
    deployment: Deployment = request.getfixturevalue(name)
    return deployment


@pytest.fixture(scope="session")
def lines() -> Iterator[Network]:
    """A network for a browser, with a line that may be bad."""
    with network() as made:
        yield made


@pytest.fixture(scope="session")
def far_deployment(lines: Network, models: Path) -> Iterator[Deployment]:
    """A deployment that the network's client reaches."""
    port = free_port()
    settings: Mapping[str, Mapping[str, object]] = {
        "web": {
            "hostname": "0.0.0.0",
            "port": port,
            "public_url": f"http://{lines.server}:{port}",
        },
        "media": {
            "addresses": [lines.server, "127.0.0.1"],
            "hostnames": [lines.server, "127.0.0.1"],
        },
        "captions": {"enabled": False},
    }
    with open_deployment(Deployment(models=models, settings=settings)) as opened:
        yield opened


@pytest.fixture
async def far_world(far_deployment: Deployment) -> AsyncIterator[World]:
    """People in that deployment."""
    async with World(far_deployment) as people:
        yield people


@pytest.fixture
def line(lines: Network) -> Iterator[Network]:
    """The network, good at first and again afterwards."""
    yield lines
    lines.restore()
    lines.plug()
