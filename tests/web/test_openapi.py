"""The OpenAPI description names every route of the public listener, and no other."""

import re
from dataclasses import fields
from typing import Any

import pytest
from aiohttp import web

from spaces_bridge.web.http.openapi import LEFT_OUT, document
from spaces_bridge.web.http.server import Handlers, build
from spaces_bridge.web.http.transcript import FORMATS
from spaces_bridge.web.settings import WebSettings
from tests.web.documented import operations, unknown_status
from tests.web.world import WebWorld


class Anything:
    """Stands for every part of the web room: routes are made, and nothing is asked."""

    async def handle(self, _request: web.Request) -> web.Response:
        raise AssertionError

    directory = space = open = listen = speak = leave = spaces = openapi = lost = create = you = (
        verify
    ) = handle


def routes() -> set[tuple[str, str]]:
    """Method and path of every route; the formats of transcripts count by themselves."""
    parts: list[Any] = [Anything()] * len(fields(Handlers))
    found = set[tuple[str, str]]()
    for route in build(WebSettings(), Handlers(*parts)).router.routes():
        assert route.resource is not None
        path = route.resource.canonical
        formats = FORMATS if "{format}" in path else [""]
        found.update((route.method, path.replace("{format}", one)) for one in formats)
    return found


@pytest.mark.unit
def test_routes_and_description_are_the_same() -> None:
    # every GET answers HEAD, too
    real = {(method, path) for method, path in routes() if method != "HEAD"}
    left_out = {("GET", path) for path in LEFT_OUT}
    assert left_out <= real
    assert real - left_out == operations().keys()


@pytest.mark.unit
def test_every_parameter_of_a_path_is_described() -> None:
    paths = document("")["paths"]
    assert isinstance(paths, dict)
    for path, methods in paths.items():
        for operation in methods.values():
            named = {p["name"] for p in operation.get("parameters", ()) if p["in"] == "path"}
            assert named == set(re.findall(r"\{(\w+)\}", path)), path


@pytest.mark.unit
def test_an_answer_that_is_not_described_is_noticed() -> None:
    assert unknown_status("POST", "/s/slug/whip", 418)
    assert unknown_status("HEAD", "/s/slug/transcript.vtt", 409)
    assert not unknown_status("POST", "/s/slug/whip", 408)
    assert not unknown_status("GET", "/s/slug", 418)


@pytest.mark.peers
async def test_the_description_is_served(world: WebWorld) -> None:
    async with world.http.get(world.base + "/api/openapi.json") as response:
        described = await response.json()
    assert described["openapi"].startswith("3.1")
    assert described["servers"] == [{"url": world.base}]
    assert described["paths"] == document("")["paths"]
