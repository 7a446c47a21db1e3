"""Pictures: uploaded once, and gone without where the homeserver takes none."""

import logging
from typing import Any

import pytest

from spaces_bridge.core.ids import UserId
from spaces_bridge.matrix.cards.uploads import REST_S, PictureUploads
from spaces_bridge.matrix.client.errors import Away, RequestRefused
from tests.support.notes import MemoryNotes
from tests.support.spaces import live_space, scheduled

pytestmark = pytest.mark.unit


class Desk:
    """Takes files and notes, or refuses."""

    def __init__(self) -> None:
        self.now = 0.0
        self.notes = MemoryNotes()
        self.failure: Exception | None = None
        self.tries = 0
        self.portrait: str | None = None
        self.user = UserId("@spacesbot:example.org")
        every: Any = self
        self.gallery = PictureUploads(every, self.notes, lambda: self.now)

    async def upload(self, file: bytes, content_type: str, name: str) -> str:
        assert (file[:4], content_type) == (b"\x89PNG", "image/png")
        self.tries += 1
        if self.failure is not None:
            raise self.failure
        return f"mxc://example.org/{self.tries}"

    async def avatar(self, user: UserId) -> str | None:
        return self.portrait

    async def show_myself(self, address: str) -> None:
        self.portrait = address


async def test_each_picture_is_uploaded_once() -> None:
    desk = Desk()
    first = await desk.gallery.of_space(live_space())
    assert await desk.gallery.of_space(live_space()) == first
    assert await desk.gallery.of_space(scheduled()) != first
    assert desk.tries == 2


@pytest.mark.parametrize(
    "failure",
    [
        RequestRefused(404, "M_UNRECOGNIZED", "no media here"),
        RequestRefused(413, "M_TOO_LARGE", "too large"),
        Away("502 without a Matrix error", broken=True),
    ],
)
async def test_a_homeserver_without_media_is_left_in_peace_for_a_while(
    failure: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    desk = Desk()
    desk.failure = failure
    with caplog.at_level(logging.WARNING):
        assert await desk.gallery.of_space(live_space()) is None
        assert await desk.gallery.of_space(scheduled()) is None
    assert (desk.tries, len(caplog.records)) == (1, 1)
    desk.now += REST_S
    desk.failure = None
    assert await desk.gallery.of_space(live_space()) is not None


async def test_while_nobody_answers_the_wish_waits() -> None:
    desk = Desk()
    desk.failure = Away("nobody there", unreached=True)
    with pytest.raises(Away):
        await desk.gallery.of_space(live_space())
    await desk.gallery.portray_bot()
    assert desk.portrait is None


async def test_the_bot_keeps_a_picture_it_has() -> None:
    desk = Desk()
    await desk.gallery.portray_bot()
    assert desk.portrait == "mxc://example.org/1"
    desk.portrait = "mxc://example.org/chosen"
    await desk.gallery.portray_bot()
    assert desk.portrait == "mxc://example.org/chosen"
