"""The outbox runner on a real database, with somebody who notes what is carried out."""

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from spaces_bridge.app import codec, policies, tasks
from spaces_bridge.core.ids import EventId, RoomId, SpaceId, UserId, UtteranceId
from spaces_bridge.matrix.client import pace
from spaces_bridge.matrix.client.errors import Away, NotYetError, RequestRefused
from spaces_bridge.matrix.outbox.dispatcher import OutboxDispatcher
from spaces_bridge.pacing.fair_queue import FairQueue
from spaces_bridge.storage.storage import Storage, open_storage
from tests.matrix.support import SystemClock, eventually

pytestmark = pytest.mark.peers

SPACE, ROOM = SpaceId("space"), RoomId("!room")


class Notary:
    """Carries out nothing but notes it; fails as told."""

    def __init__(self) -> None:
        self.begun = 0
        self.done: list[tasks.OutboxTask] = []
        self.keys: list[str] = []
        self.told: list[tuple[tasks.OutboxTask, str]] = []
        self.failures: list[Exception] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.nothing_to_do = False

    async def run(self, wanted: tasks.OutboxTask, key: str) -> str | None:
        self.begun += 1
        await self.gate.wait()
        if self.failures:
            raise self.failures.pop(0)
        self.done.append(wanted)
        self.keys.append(key)
        return None if self.nothing_to_do else f"$result-of-{key}"

    async def refused(self, wanted: tasks.OutboxTask, refusal: RequestRefused) -> None:
        self.told.append((wanted, refusal.errcode))


class Office:
    """A courier with its notary and its outbox."""

    def __init__(
        self, storage: Storage, captions: int | None = None, chat: int | None = None
    ) -> None:
        self.storage = storage
        self.notary = Notary()
        limits = {"captions": captions, "prompts": 2, "chat": chat}
        fair = FairQueue(10_000.0, asyncio.get_running_loop().time)
        self.courier = OutboxDispatcher(
            storage.outbox,
            SystemClock(),
            self.notary,
            fair,
            lambda lane: limits.get(lane.name),
        )
        self._running: asyncio.Task[None] | None = None

    def open(self) -> None:
        self._running = asyncio.create_task(self.courier.run())

    async def close(self) -> None:
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    async def wish(self, wanted: tasks.OutboxTask, key: str, due_at_ms: int = 0) -> None:
        await self.storage.outbox.enqueue([codec.entry_of(wanted, key, due_at_ms)])
        self.courier.wake()

    async def noticed(self) -> None:
        """The courier has read all that waits."""

        async def read() -> bool:
            rows = await self.storage.outbox.pending(0, 1000)
            return all(row.id <= self.courier._seen_id for row in rows)

        await eventually(read, "the outbox is not read")

    async def empty(self) -> None:
        async def nothing_left() -> bool:
            return not await self.storage.outbox.pending(0, 1)

        await eventually(nothing_left, "the outbox did not get empty")


@pytest.fixture
async def storage(tmp_path: Path) -> AsyncIterator[Storage]:
    opened = await open_storage(f"sqlite:{tmp_path}/db", SystemClock())
    yield opened
    await opened.close()


@pytest.fixture
async def office(storage: Storage) -> AsyncIterator[Office]:
    made = Office(storage)
    made.open()
    yield made
    await made.close()


def tell(text: str) -> tasks.OutboxTask:
    return tasks.TellUser(UserId("@ada:x"), text)


def said(speaker: str, start_ms: int) -> tasks.PostCaption:
    user = UserId(f"@{speaker}:x")
    utterance = UtteranceId(f"{speaker}-{start_ms}")
    end_ms = start_ms + 500
    return tasks.PostCaption(
        SPACE, utterance, user, speaker, start_ms, end_ms, f"{start_ms}", "en"
    )


async def test_wishes_of_a_queue_are_carried_out_in_order_and_recalled(office: Office) -> None:
    for number in range(20):
        await office.wish(tell(str(number)), f"k{number}")
    await office.empty()
    assert office.notary.done == [tell(str(n)) for n in range(20)]
    assert await office.storage.outbox.recall("k7") == "$result-of-k7"


async def test_a_failing_wish_holds_up_its_own_queue_only(office: Office) -> None:
    office.notary.failures = [Away("not now", retry_after_s=5.0)]
    await office.wish(tell("first"), "a")
    await eventually(lambda: not office.notary.failures, "not tried")
    await office.wish(tell("second"), "b")
    await office.wish(tasks.Reply(ROOM, EventId("$x"), "other", True), "c")
    await office.empty()
    assert office.notary.keys == ["c", "a", "b"]


async def test_being_told_to_wait_is_not_cut_short_by_good_news(office: Office) -> None:
    office.notary.failures = [Away("slow down", retry_after_s=5.0)]
    await office.wish(tell("patience"), "a")
    await eventually(lambda: not office.notary.failures, "not tried")
    office.courier.outage_over()
    await office.wish(tasks.Reply(ROOM, EventId("$x"), "later", True), "b")
    await eventually(lambda: office.notary.keys, "nothing is carried out")
    assert office.notary.keys == ["b"], "all lanes heard the news"
    await office.empty()
    assert office.notary.keys == ["b", "a"]


async def test_good_news_cut_a_back_off_short(office: Office) -> None:
    office.notary.failures = [Away("gone", unreached=True) for _ in range(6)]
    await office.wish(tell("patience"), "a")
    for _ in range(6):
        left = len(office.notary.failures)
        await eventually(lambda left=left: len(office.notary.failures) < left, "not tried")  # type: ignore[misc]
        office.courier.outage_over()
    async with asyncio.timeout(60):
        await office.empty()


async def test_a_refusal_is_told_and_buried_and_the_next_goes_on(office: Office) -> None:
    office.notary.failures = [RequestRefused(403, "M_FORBIDDEN", "no")]
    await office.wish(tell("refused"), "a")
    await office.wish(tell("fine"), "b")
    await office.empty()
    assert office.notary.told == [(tell("refused"), "M_FORBIDDEN")]
    assert office.notary.keys == ["b"]


async def test_a_bug_buries_one_wish_and_no_more(office: Office) -> None:
    office.notary.failures = [ZeroDivisionError("a bug")]
    await office.wish(tell("poison"), "a")
    await office.wish(tell("fine"), "b")
    await office.empty()
    assert office.notary.keys == ["b"]


async def test_what_is_due_later_lets_the_rest_pass(office: Office) -> None:
    soon = SystemClock().now_ms() + 4000
    await office.wish(tasks.RedactEvent(SPACE, EventId("$late")), "late", soon)
    await office.wish(tasks.RedactEvent(SPACE, EventId("$now")), "now")
    await office.empty()
    assert office.notary.keys == ["now", "late"]
    assert SystemClock().now_ms() >= soon


async def test_a_card_wished_again_while_under_way_is_done_once_more(office: Office) -> None:
    office.notary.gate.clear()
    for _ in range(5):
        await office.storage.outbox.enqueue([policies.card(SPACE)])
        office.courier.wake()
        await eventually(lambda: office.notary.begun, "not begun")
    office.notary.gate.set()
    await office.empty()
    assert office.notary.done == [tasks.RefreshCard(SPACE)] * 2


async def test_what_is_not_yet_due_in_the_world_is_looked_at_again(office: Office) -> None:
    office.notary.failures = [NotYetError(0.05), NotYetError(0.05)]
    await office.storage.outbox.enqueue([policies.card(SPACE)])
    office.courier.wake()
    await office.empty()
    assert office.notary.done == [tasks.RefreshCard(SPACE)]


async def test_captions_that_pile_up_are_merged_before_they_are_sent(storage: Storage) -> None:
    office = Office(storage)
    await office.wish(said("ada", 0), "before the start")
    office.notary.gate.clear()
    office.open()
    await eventually(lambda: office.notary.begun, "not begun")
    for start_ms in (1_000, 2_000, 9_000):
        await office.wish(said("ada", start_ms), f"k{start_ms}")
    await office.noticed()
    office.notary.gate.set()
    await office.empty()
    await office.close()
    texts = [w.text for w in office.notary.done if isinstance(w, tasks.PostCaption)]
    assert texts == ["0", "1000 2000", "9000"]
    assert await storage.outbox.recall("k2000") == "$result-of-k1000"


async def test_chat_that_must_wait_goes_out_together_and_in_order(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "MINUTE_S", 5.0)
    office = Office(storage, chat=2)
    for number in range(6):
        words = tasks.ChatWords(f"w{number}", UserId("@ben:x"), "Ben", f"{number}", number)
        await office.wish(tasks.PostChat(SPACE, (words,)), f"k{number}")
    office.open()
    await office.empty()
    await office.close()
    posts = [w.lines for w in office.notary.done if isinstance(w, tasks.PostChat)]
    assert [[line.text for line in post] for post in posts] == [["0"], ["1"], list("2345")]
    assert await storage.outbox.recall("k5") == "$result-of-k2"


async def test_a_lane_that_waits_for_its_budget_says_so_once_and_without_its_text(
    storage: Storage, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "spaces_bridge.matrix.outbox.dispatcher")
    office = Office(storage, captions=1)
    await office.wish(said("ada", 0), "a")
    await office.wish(said("ada", 9_000), "b")
    office.open()

    def told() -> list[str]:
        return [m for m in caplog.messages if "its budget of this minute is spent" in m]

    await eventually(told, "nothing was said")
    await office.close()
    assert len(told()) == 1
    assert told()[0].startswith(f"{SPACE}|captions|normal waits ")
    assert "9000" not in told()[0]
    assert len(office.notary.done) == 1


async def test_what_an_earlier_run_may_have_sent_is_not_merged_into(storage: Storage) -> None:
    office = Office(storage)
    for start_ms in (0, 1_000, 2_000):
        await office.wish(said("ada", start_ms), f"k{start_ms}")
    office.open()
    await office.empty()
    await office.close()
    texts = [w.text for w in office.notary.done if isinstance(w, tasks.PostCaption)]
    assert texts == ["0", "1000 2000"]


async def test_the_backlog_of_an_outage_is_carried_out_in_order(storage: Storage) -> None:
    for number in range(1_200):
        queue = number % 7
        wanted = tasks.TellUser(UserId(f"@user{queue}:x"), str(number))
        await storage.outbox.enqueue([codec.entry_of(wanted, f"k{number}")])
    office = Office(storage)
    office.open()
    await office.empty()
    await office.close()
    assert len(office.notary.done) == 1_200
    for queue in range(7):
        mine = [int(key[1:]) for key in office.notary.keys if int(key[1:]) % 7 == queue]
        assert mine == sorted(mine)


async def test_questions_about_hands_are_few_a_minute_and_hold_no_letter_up(
    office: Office,
) -> None:
    ada = UserId("@ada:x")
    for number in range(5):
        question = tasks.PromptModerator(SPACE, ada, UserId(f"@p{number}:x"), False)
        await office.wish(question, f"hand{number}")
    await office.wish(tasks.SendLink(SPACE, ada), "link")
    await office.wish(tell("hello"), "hello")
    await eventually(lambda: "hello" in office.notary.keys, "the letters wait")
    await eventually(lambda: "hand1" in office.notary.keys, "nobody was asked")
    waiting = [row.effect.key for row in await office.storage.outbox.pending(0, 10)]
    assert waiting[-3:] == ["hand2", "hand3", "hand4"]


async def test_hands_that_were_answered_meanwhile_use_up_no_question(office: Office) -> None:
    office.notary.nothing_to_do = True
    for number in range(5):
        question = tasks.PromptModerator(SPACE, UserId("@ada:x"), UserId(f"@p{number}:x"), False)
        await office.wish(question, f"hand{number}")
    await office.empty()
    assert len(office.notary.done) == 5


class Turns(FairQueue):
    """Notes who takes turns with whom."""

    def __init__(self) -> None:
        super().__init__(10_000.0, asyncio.get_running_loop().time)
        self.groups = set[str]()

    async def turn(self, group: str) -> None:
        self.groups.add(group)
        await super().turn(group)


async def test_letters_of_a_crowd_and_floors_take_turns(storage: Storage) -> None:
    """A hundred words to a hundred people are one group, each live space's floor another."""
    turns = Turns()
    courier = OutboxDispatcher(storage.outbox, SystemClock(), Notary(), turns, lambda _: None)
    event, other = EventId("$e"), SpaceId("other")
    people = [UserId(f"@fan{n}:x") for n in range(5)]
    crowd: list[tasks.OutboxTask] = [tasks.TellUser(fan, "A new time.") for fan in people]
    floors: list[tasks.OutboxTask] = [
        tasks.OfferFloor(SPACE, people[0]),
        tasks.OfferToSpeak(SPACE, people[1], people[0]),
        tasks.PromptModerator(SPACE, people[2], people[3], guest=False),
        tasks.RedactEvent(SPACE, event),
        tasks.RedactEvent(other, event),
    ]
    rest: list[tasks.OutboxTask] = [
        tasks.RedactEvent(SPACE, event, crowd=True),
        tasks.RedactEvent(SPACE, event, expired=True),
        tasks.RefreshCard(SPACE),
    ]
    everything = [*crowd, *floors, *rest]
    await storage.outbox.enqueue([codec.entry_of(w, f"k{n}") for n, w in enumerate(everything)])
    running = asyncio.create_task(courier.run())

    async def nothing_left() -> bool:
        return not await storage.outbox.pending(0, 1)

    await eventually(nothing_left, "the outbox did not get empty")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert turns.groups == {"dm", f"{SPACE}|floor", f"{other}|floor", SPACE}
