"""`tools/js/audit` against a registry on loopback: it passes only what was asked about."""

import asyncio
import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

pytestmark = pytest.mark.peers

JS = Path(__file__).parents[1] / "tools" / "js"
ADVISORY = {
    "id": 1,
    "url": "https://example.org/advisory",
    "title": "A known weakness",
    "severity": "low",
    "vulnerable_versions": "*",
    "cwe": [],
    "cvss": {"score": 0, "vectorString": None},
}


class Registry:
    """The advisory service of a registry: what it was asked about, and what it answers."""

    def __init__(self, advisories: Mapping[str, list[object]], status: int = 200) -> None:
        self.asked: set[str] = set()
        self._advisories = advisories
        self._status = status

    async def answer(self, request: web.Request) -> web.Response:
        self.asked |= json.loads(await request.read()).keys()
        return web.json_response(self._advisories, status=self._status)


async def audited(registry: Registry, settings: Mapping[str, str]) -> tuple[int, str]:
    """Run the audit against the registry; return its exit status and what it said."""
    app = web.Application()
    app.router.add_post("/-/npm/v1/security/advisories/bulk", registry.answer)
    async with TestServer(app) as server:
        chosen = {"npm_config_registry": str(server.make_url("/")), **settings}
        process = await asyncio.create_subprocess_exec(
            JS / "audit",
            env=os.environ | chosen,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate()
        assert process.returncode is not None
        return process.returncode, said.decode()


def locked() -> set[str]:
    """Return the names of all packages of the lock."""
    packages = json.loads((JS / "package-lock.json").read_text())["packages"]
    return {path.rpartition("node_modules/")[2] for path in packages if path}


@pytest.mark.parametrize(
    "settings", [{}, {"npm_config_offline": "true"}, {"npm_config_omit": "dev"}]
)
async def test_every_package_of_the_scripts_tools_is_asked_about(
    settings: Mapping[str, str],
) -> None:
    registry = Registry({})
    status, said = await audited(registry, settings)
    assert status == 0, said
    assert registry.asked == locked()


async def test_an_advisory_is_a_failure_that_names_the_package() -> None:
    status, said = await audited(Registry({"eslint": [ADVISORY]}), {})
    assert status != 0
    assert "eslint" in said
    assert "A known weakness" in said


async def test_without_an_answer_nothing_passes() -> None:
    registry = Registry({}, status=405)
    status, said = await audited(registry, {})
    assert registry.asked
    assert status != 0
    assert "405" in said
