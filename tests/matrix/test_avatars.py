"""People's pictures: what is given on, how long it is kept, and that nobody is asked too often."""

import asyncio
from typing import Any

import pytest

from spaces_bridge.app.ports import Avatar
from spaces_bridge.core.ids import UserId
from spaces_bridge.matrix.cards import avatars
from spaces_bridge.matrix.cards.avatars import Avatars, kind_of
from spaces_bridge.matrix.client.errors import Away, RequestRefused
from spaces_bridge.matrix.client.matrix_client import MatrixClient

pytestmark = pytest.mark.unit

ADA, BEN = UserId("@ada:example.org"), UserId("@ben:elsewhere.net")
PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)


class Profiles:
    """A homeserver's profiles and media."""

    def __init__(self) -> None:
        self.now = 0.0
        self.files = {"mxc://example.org/ada": PNG, "mxc://elsewhere.net/ben": PNG}
        self.addresses: dict[UserId, str] = {
            ADA: "mxc://example.org/ada",
            BEN: "mxc://elsewhere.net/ben",
        }
        self.failure: Exception | None = None
        self.open = asyncio.Event()
        self.open.set()
        self.asked: list[UserId] = []
        self.questions: asyncio.Queue[UserId] = asyncio.Queue()
        self.under_way = self.most_under_way = 0
        every: Any = self
        self.avatars = Avatars(every, lambda: self.now)

    async def avatar(self, user: UserId) -> str | None:
        self.asked.append(user)
        self.questions.put_nowait(user)
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            await self.open.wait()
        finally:
            self.under_way -= 1
        if self.failure is not None:
            raise self.failure
        return self.addresses.get(user)

    async def thumbnail(self, address: str, side: int, limit: int, within_s: float) -> bytes:
        if address not in self.files:
            raise RequestRefused(404, "M_NOT_FOUND", "no such file")
        return self.files[address]


async def test_a_picture_is_fetched_once_and_kept_for_an_hour() -> None:
    world = Profiles()
    assert await world.avatars.avatar(ADA) == Avatar("image/png", PNG)
    world.now = avatars.KEPT_S - 1
    assert await world.avatars.avatar(ADA) is not None
    assert world.asked == [ADA]
    world.now = avatars.KEPT_S
    world.addresses.clear()
    assert await world.avatars.avatar(ADA) is None
    assert world.asked == [ADA, ADA]


@pytest.mark.parametrize(
    ("failure", "kept_s"),
    [
        (None, avatars.NONE_KEPT_S),
        (RequestRefused(403, "M_FORBIDDEN", "no"), avatars.NONE_KEPT_S),
        (Away("nobody there", unreached=True), avatars.AWAY_KEPT_S),
    ],
)
async def test_that_there_is_none_is_remembered_too(
    failure: Exception | None, kept_s: float
) -> None:
    world = Profiles()
    world.failure = failure
    world.addresses = {}
    assert await world.avatars.avatar(ADA) is None
    world.now = kept_s - 1
    assert await world.avatars.avatar(ADA) is None
    assert world.asked == [ADA]
    world.now = kept_s
    world.failure, world.addresses = None, {ADA: "mxc://example.org/ada"}
    assert await world.avatars.avatar(ADA) is not None


async def test_all_who_ask_at_once_wait_for_one_answer_and_leave_as_they_like() -> None:
    world = Profiles()
    world.open.clear()
    first, second = (asyncio.create_task(world.avatars.avatar(ADA)) for _ in range(2))
    assert await world.questions.get() == ADA
    first.cancel()
    world.open.set()
    assert await second is not None
    assert first.cancelled()
    assert world.asked == [ADA]


async def test_few_are_fetched_at_a_time() -> None:
    world = Profiles()
    world.open.clear()
    people = [UserId(f"@p{number}:example.org") for number in range(20)]
    asking = [asyncio.create_task(world.avatars.avatar(user)) for user in people]
    for _ in range(avatars.AT_ONCE):
        await world.questions.get()
    world.open.set()
    await asyncio.gather(*asking)
    assert sorted(world.asked) == sorted(people)
    assert world.most_under_way == avatars.AT_ONCE


async def test_a_homeserver_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(avatars, "WITHIN_S", 0.01)
    world = Profiles()
    world.open.clear()
    assert await world.avatars.avatar(ADA) is None


async def test_memory_is_bounded_and_the_longest_unseen_goes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = Profiles()
    eve = UserId("@eve:example.org")
    monkeypatch.setattr(avatars, "KEPT_BYTES", 2 * (len(PNG) + 512) + 100)
    await world.avatars.avatar(ADA)
    await world.avatars.avatar(BEN)
    await world.avatars.avatar(ADA)
    await world.avatars.avatar(eve)
    await world.avatars.avatar(ADA)
    assert world.asked == [ADA, BEN, eve]
    await world.avatars.avatar(BEN)
    assert world.asked[-1] == BEN


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0 jpeg", "image/jpeg"),
        (b"GIF89a rest", "image/gif"),
        (b"RIFF\x10\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"RIFF\x10\x00\x00\x00WAVEfmt ", None),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", None),
        (b"<!doctype html><script>alert(1)</script>", None),
        (b" \x89PNG\r\n\x1a\n", None),
        (b"", None),
    ],
)
async def test_only_pictures_are_given_on_whatever_they_are_called(
    body: bytes, kind: str | None
) -> None:
    assert kind_of(body) == kind
    world = Profiles()
    world.files["mxc://example.org/ada"] = body
    avatar = await world.avatars.avatar(ADA)
    assert (avatar.content_type if avatar is not None else None) == kind


@pytest.mark.parametrize(
    "address",
    [
        "https://example.org/a.png",
        "mxc://example.org",
        "mxc://example.org/../../admin",
        "mxc://example.org/..",
        "mxc://example.org/a/b",
        "mxc://exa mple.org/a",
        "mxc://example.org/a?user_id=@x:y",
        "mxc:///a",
    ],
)
async def test_an_address_that_is_none_is_never_asked_for(address: str) -> None:
    client = MatrixClient(None, ADA)  # type: ignore[arg-type]  # never called
    with pytest.raises(RequestRefused):
        await client.thumbnail(address, 192, 1000, 1.0)
