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


class UploadSetup:
    """Takes files and notes, or refuses."""

    def __init__(self) -> None:
        self.now = 0.0
        self.notes = MemoryNotes()
        self.failure: Exception | None = None
        self.tries = 0
        self.shown: str | None = None
        self.user = UserId("@spacesbot:example.org")
        every: Any = self
        self.uploads = PictureUploads(every, self.notes, lambda: self.now)

    async def upload(self, file: bytes, content_type: str, name: str) -> str:
        assert (file[:4], content_type) == (b"\x89PNG", "image/png")
        self.tries += 1
        if self.failure is not None:
            raise self.failure
        return f"mxc://example.org/{self.tries}"

    async def avatar(self, user: UserId) -> str | None:
        return self.shown

    async def show_myself(self, address: str) -> None:
        self.shown = address


async def test_each_picture_is_uploaded_once() -> None:
    setup = UploadSetup()
    first = await setup.uploads.of_space(live_space())
    assert await setup.uploads.of_space(live_space()) == first
    assert await setup.uploads.of_space(scheduled()) != first
    assert setup.tries == 2


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
    setup = UploadSetup()
    setup.failure = failure
    with caplog.at_level(logging.WARNING):
        assert await setup.uploads.of_space(live_space()) is None
        assert await setup.uploads.of_space(scheduled()) is None
    assert (setup.tries, len(caplog.records)) == (1, 1)
    setup.now += REST_S
    setup.failure = None
    assert await setup.uploads.of_space(live_space()) is not None


async def test_while_nobody_answers_the_task_waits() -> None:
    setup = UploadSetup()
    setup.failure = Away("nobody there", unreached=True)
    with pytest.raises(Away):
        await setup.uploads.of_space(live_space())
    await setup.uploads.portray_bot()
    assert setup.shown is None


async def test_the_bot_keeps_a_picture_it_has() -> None:
    setup = UploadSetup()
    await setup.uploads.portray_bot()
    assert setup.shown == "mxc://example.org/1"
    setup.shown = "mxc://example.org/chosen"
    await setup.uploads.portray_bot()
    assert setup.shown == "mxc://example.org/chosen"
