"""Who follows whom, and who wants no invitations."""

import asyncio

import pytest

from spaces_bridge.app.records import CallAlert
from spaces_bridge.core.ids import UserId
from spaces_bridge.storage.storage import Storage
from tests.storage.support import HOST, opened

pytestmark = pytest.mark.peers

ADA, BEN, EVE = UserId("@ada:a.org"), UserId("@ben:b.org"), UserId("@eve:e.org")
OTHER = UserId("@other:example.org")
LONGEST = UserId("@" + "x" * 240 + ":example.org.a")
ODD = [
    UserId("@nul\x00:x"),
    UserId("@half\ud83d:x"),
    UserId("@escape\x1a0000:x"),
    UserId("@'; SELECT 1; --:x"),
    UserId("@größe👋🏽:x"),
    LONGEST,
    UserId("@" + "\x00" * 250 + ":x.y"),
]


async def test_following_and_unfollowing_say_whether_something_changed(storage: Storage) -> None:
    followers = storage.followers
    assert await followers.follow(HOST, ADA, 1)
    assert not await followers.follow(HOST, ADA, 2)
    assert await followers.follows(HOST, ADA)
    assert not await followers.follows(ADA, HOST)
    assert await followers.count(HOST) == 1
    assert await followers.unfollow(HOST, ADA)
    assert not await followers.unfollow(HOST, ADA)
    assert await followers.count(HOST) == 0


async def test_a_thousand_followers_are_read_page_by_page_each_once(storage: Storage) -> None:
    everybody = [UserId(f"@f{n:04}:example.org") for n in range(1_000)]
    for user in everybody:
        await storage.followers.follow(HOST, user, 1)
    await storage.followers.follow(OTHER, EVE, 1)
    read, after = list[UserId](), None
    while page := await storage.followers.of(HOST, after, 300):
        read += page
        after = page[-1]
    assert read == everybody
    assert await storage.followers.count(HOST) == 1_000


async def test_who_follows_while_pages_are_read_disturbs_nobody(storage: Storage) -> None:
    for name in "bdf":
        await storage.followers.follow(HOST, UserId(f"@{name}:x"), 1)
    first = await storage.followers.of(HOST, None, 2)
    await storage.followers.follow(HOST, UserId("@a:x"), 2)
    await storage.followers.follow(HOST, UserId("@e:x"), 2)
    assert await storage.followers.unfollow(HOST, first[-1])
    assert await storage.followers.of(HOST, first[-1], 9) == [UserId("@e:x"), UserId("@f:x")]


async def test_silence_towards_a_host_ends_following_and_following_ends_the_silence(
    storage: Storage,
) -> None:
    followers = storage.followers
    await followers.follow(HOST, ADA, 1)
    await followers.follow(OTHER, ADA, 1)
    await followers.silence(ADA, HOST, 2)
    assert await followers.is_silent(ADA, HOST)
    assert not await followers.is_silent(ADA, OTHER)
    assert not await followers.follows(HOST, ADA)
    assert await followers.follows(OTHER, ADA)
    assert await followers.follow(HOST, ADA, 3)
    assert not await followers.is_silent(ADA, HOST)


async def test_silence_towards_everybody_spares_only_whom_one_follows_since(
    storage: Storage,
) -> None:
    followers = storage.followers
    await followers.follow(HOST, ADA, 1)
    await followers.silence(ADA, None, 2)
    assert await followers.count(HOST) == 0
    assert await followers.is_silent(ADA, HOST)
    await followers.follow(HOST, ADA, 3)
    assert not await followers.is_silent(ADA, HOST)
    assert await followers.is_silent(ADA, OTHER)
    await followers.silence(ADA, HOST, 4)
    assert await followers.is_silent(ADA, HOST)
    await followers.hear_again(ADA, None)
    assert await followers.is_silent(ADA, HOST)
    assert not await followers.is_silent(ADA, OTHER)
    await followers.hear_again(ADA, HOST)
    await followers.hear_again(ADA, HOST)
    assert not await followers.is_silent(ADA, HOST)
    assert not await followers.is_silent(BEN, HOST)


async def test_silence_said_twice_is_silence(storage: Storage) -> None:
    for host in (HOST, HOST, None, None):
        await storage.followers.silence(ADA, host, 1)
    assert await storage.followers.is_silent(ADA, HOST)


async def test_many_at_once_follow_once_each(storage: Storage) -> None:
    new = await asyncio.gather(*(storage.followers.follow(HOST, ADA, n) for n in range(20)))
    assert new.count(True) == 1
    assert await storage.followers.count(HOST) == 1
    ended = await asyncio.gather(*(storage.followers.unfollow(HOST, ADA) for _ in range(20)))
    assert ended.count(True) == 1


async def test_odd_ids_are_kept_apart_and_come_back_as_they_were(storage: Storage) -> None:
    for user in ODD:
        assert await storage.followers.follow(HOST, user, 1)
        assert await storage.followers.follow(user, HOST, 1)
    assert set(await storage.followers.of(HOST, None, 99)) == set(ODD)
    for user in ODD:
        assert await storage.followers.follows(user, HOST)
        await storage.followers.silence(HOST, user, 2)
        assert await storage.followers.is_silent(HOST, user)
    assert not await storage.followers.is_silent(HOST, ADA)


async def test_opt_outs_are_kept_for_ever(url: str) -> None:
    async with opened(url) as storage:
        await storage.followers.follow(HOST, BEN, 1)
        await storage.followers.silence(ADA, None, 1)
    async with opened(url) as storage:
        assert await storage.followers.is_silent(ADA, HOST)
        assert await storage.followers.of(HOST, None, 9) == [BEN]


async def test_how_followers_want_to_be_alerted_is_kept_as_long_as_they_follow(
    storage: Storage,
) -> None:
    followers = storage.followers
    await followers.set_alert(HOST, ADA, CallAlert.RING)
    assert await followers.alert(HOST, ADA) is CallAlert.NONE, "who does not follow has none"
    for user, alert in ((ADA, CallAlert.RING), (BEN, CallAlert.RING), (EVE, CallAlert.NOTIFY)):
        await followers.follow(HOST, user, 1)
        assert await followers.alert(HOST, user) is CallAlert.NONE
        await followers.set_alert(HOST, user, alert)
    assert await followers.alert(HOST, EVE) is CallAlert.NOTIFY
    assert await followers.alerted(HOST, CallAlert.RING, None, 1) == [ADA]
    assert await followers.alerted(HOST, CallAlert.RING, ADA, 9) == [BEN]
    assert await followers.alerted(OTHER, CallAlert.RING, None, 9) == []
    await followers.follow(HOST, BEN, 2)
    assert await followers.alert(HOST, BEN) is CallAlert.RING, "following again changes nothing"
    await followers.unfollow(HOST, ADA)
    await followers.follow(HOST, ADA, 3)
    assert await followers.alerted(HOST, CallAlert.RING, None, 9) == [BEN]
