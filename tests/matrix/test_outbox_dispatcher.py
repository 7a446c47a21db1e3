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


class DispatcherSetup:
    """A dispatcher with its notary and its outbox."""

    def __init__(
        self, storage: Storage, captions: int | None = None, chat: int | None = None
    ) -> None:
        self.storage = storage
        self.notary = Notary()
        limits = {"captions": captions, "prompts": 2, "chat": chat}
        fair = FairQueue(10_000.0, asyncio.get_running_loop().time)
        self.dispatcher = OutboxDispatcher(
            storage.outbox,
            SystemClock(),
            self.notary,
            fair,
            lambda lane: limits.get(lane.name),
        )
        self._running: asyncio.Task[None] | None = None

    def open(self) -> None:
        self._running = asyncio.create_task(self.dispatcher.run())

    async def close(self) -> None:
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    async def enqueue_task(self, wanted: tasks.OutboxTask, key: str, due_at_ms: int = 0) -> None:
        await self.storage.outbox.enqueue([codec.entry_of(wanted, key, due_at_ms)])
        self.dispatcher.wake()

    async def noticed(self) -> None:
        """The dispatcher has read all that waits."""

        async def read() -> bool:
            rows = await self.storage.outbox.pending(0, 1000)
            return all(row.id <= self.dispatcher._seen_id for row in rows)

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
async def setup(storage: Storage) -> AsyncIterator[DispatcherSetup]:
    made = DispatcherSetup(storage)
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


async def test_tasks_of_a_queue_are_carried_out_in_order_and_recalled(
    setup: DispatcherSetup,
) -> None:
    for number in range(20):
        await setup.enqueue_task(tell(str(number)), f"k{number}")
    await setup.empty()
    assert setup.notary.done == [tell(str(n)) for n in range(20)]
    assert await setup.storage.outbox.recall("k7") == "$result-of-k7"


async def test_a_failing_task_holds_up_its_own_queue_only(setup: DispatcherSetup) -> None:
    setup.notary.failures = [Away("not now", retry_after_s=5.0)]
    await setup.enqueue_task(tell("first"), "a")
    await eventually(lambda: not setup.notary.failures, "not tried")
    await setup.enqueue_task(tell("second"), "b")
    await setup.enqueue_task(tasks.Reply(ROOM, EventId("$x"), "other", True), "c")
    await setup.empty()
    assert setup.notary.keys == ["c", "a", "b"]


async def test_being_told_to_wait_is_not_cut_short_by_good_news(setup: DispatcherSetup) -> None:
    setup.notary.failures = [Away("slow down", retry_after_s=5.0)]
    await setup.enqueue_task(tell("patience"), "a")
    await eventually(lambda: not setup.notary.failures, "not tried")
    setup.dispatcher.outage_over()
    await setup.enqueue_task(tasks.Reply(ROOM, EventId("$x"), "later", True), "b")
    await eventually(lambda: setup.notary.keys, "nothing is carried out")
    assert setup.notary.keys == ["b"], "all lanes heard the news"
    await setup.empty()
    assert setup.notary.keys == ["b", "a"]


async def test_good_news_cut_a_back_off_short(setup: DispatcherSetup) -> None:
    setup.notary.failures = [Away("gone", unreached=True) for _ in range(6)]
    await setup.enqueue_task(tell("patience"), "a")
    for _ in range(6):
        left = len(setup.notary.failures)
        await eventually(lambda left=left: len(setup.notary.failures) < left, "not tried")  # type: ignore[misc]
        setup.dispatcher.outage_over()
    async with asyncio.timeout(60):
        await setup.empty()


async def test_a_refusal_is_told_and_buried_and_the_next_goes_on(setup: DispatcherSetup) -> None:
    setup.notary.failures = [RequestRefused(403, "M_FORBIDDEN", "no")]
    await setup.enqueue_task(tell("refused"), "a")
    await setup.enqueue_task(tell("fine"), "b")
    await setup.empty()
    assert setup.notary.told == [(tell("refused"), "M_FORBIDDEN")]
    assert setup.notary.keys == ["b"]


async def test_a_bug_buries_one_task_and_no_more(setup: DispatcherSetup) -> None:
    setup.notary.failures = [ZeroDivisionError("a bug")]
    await setup.enqueue_task(tell("poison"), "a")
    await setup.enqueue_task(tell("fine"), "b")
    await setup.empty()
    assert setup.notary.keys == ["b"]


async def test_what_is_due_later_lets_the_rest_pass(setup: DispatcherSetup) -> None:
    soon = SystemClock().now_ms() + 4000
    await setup.enqueue_task(tasks.RedactEvent(SPACE, EventId("$late")), "late", soon)
    await setup.enqueue_task(tasks.RedactEvent(SPACE, EventId("$now")), "now")
    await setup.empty()
    assert setup.notary.keys == ["now", "late"]
    assert SystemClock().now_ms() >= soon


async def test_a_card_asked_for_again_while_under_way_is_done_once_more(
    setup: DispatcherSetup,
) -> None:
    setup.notary.gate.clear()
    for _ in range(5):
        await setup.storage.outbox.enqueue([policies.card(SPACE)])
        setup.dispatcher.wake()
        await eventually(lambda: setup.notary.begun, "not begun")
    setup.notary.gate.set()
    await setup.empty()
    assert setup.notary.done == [tasks.RefreshCard(SPACE)] * 2


async def test_what_is_not_yet_due_in_the_world_is_looked_at_again(setup: DispatcherSetup) -> None:
    setup.notary.failures = [NotYetError(0.05), NotYetError(0.05)]
    await setup.storage.outbox.enqueue([policies.card(SPACE)])
    setup.dispatcher.wake()
    await setup.empty()
    assert setup.notary.done == [tasks.RefreshCard(SPACE)]


async def test_captions_that_pile_up_are_merged_before_they_are_sent(storage: Storage) -> None:
    setup = DispatcherSetup(storage)
    await setup.enqueue_task(said("ada", 0), "before the start")
    setup.notary.gate.clear()
    setup.open()
    await eventually(lambda: setup.notary.begun, "not begun")
    for start_ms in (1_000, 2_000, 9_000):
        await setup.enqueue_task(said("ada", start_ms), f"k{start_ms}")
    await setup.noticed()
    setup.notary.gate.set()
    await setup.empty()
    await setup.close()
    texts = [w.text for w in setup.notary.done if isinstance(w, tasks.PostCaption)]
    assert texts == ["0", "1000 2000", "9000"]
    assert await storage.outbox.recall("k2000") == "$result-of-k1000"


async def test_chat_that_must_wait_goes_out_together_and_in_order(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "MINUTE_S", 5.0)
    setup = DispatcherSetup(storage, chat=2)
    for number in range(6):
        words = tasks.ChatWords(f"w{number}", UserId("@ben:x"), "Ben", f"{number}", number)
        await setup.enqueue_task(tasks.PostChat(SPACE, (words,)), f"k{number}")
    setup.open()
    await setup.empty()
    await setup.close()
    posts = [w.lines for w in setup.notary.done if isinstance(w, tasks.PostChat)]
    assert [[line.text for line in post] for post in posts] == [["0"], ["1"], list("2345")]
    assert await storage.outbox.recall("k5") == "$result-of-k2"


async def test_a_lane_that_waits_for_its_budget_says_so_once_and_without_its_text(
    storage: Storage, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "spaces_bridge.matrix.outbox.dispatcher")
    setup = DispatcherSetup(storage, captions=1)
    await setup.enqueue_task(said("ada", 0), "a")
    await setup.enqueue_task(said("ada", 9_000), "b")
    setup.open()

    def told() -> list[str]:
        return [m for m in caplog.messages if "its budget of this minute is spent" in m]

    await eventually(told, "nothing was said")
    await setup.close()
    assert len(told()) == 1
    assert told()[0].startswith(f"{SPACE}|captions|normal waits ")
    assert "9000" not in told()[0]
    assert len(setup.notary.done) == 1


async def test_what_an_earlier_run_may_have_sent_is_not_merged_into(storage: Storage) -> None:
    setup = DispatcherSetup(storage)
    for start_ms in (0, 1_000, 2_000):
        await setup.enqueue_task(said("ada", start_ms), f"k{start_ms}")
    setup.open()
    await setup.empty()
    await setup.close()
    texts = [w.text for w in setup.notary.done if isinstance(w, tasks.PostCaption)]
    assert texts == ["0", "1000 2000"]


async def test_the_backlog_of_an_outage_is_carried_out_in_order(storage: Storage) -> None:
    for number in range(1_200):
        queue = number % 7
        wanted = tasks.TellUser(UserId(f"@user{queue}:x"), str(number))
        await storage.outbox.enqueue([codec.entry_of(wanted, f"k{number}")])
    setup = DispatcherSetup(storage)
    setup.open()
    await setup.empty()
    await setup.close()
    assert len(setup.notary.done) == 1_200
    for queue in range(7):
        mine = [int(key[1:]) for key in setup.notary.keys if int(key[1:]) % 7 == queue]
        assert mine == sorted(mine)


async def test_prompts_about_hands_are_few_a_minute_and_hold_no_dm_up(
    setup: DispatcherSetup,
) -> None:
    ada = UserId("@ada:x")
    for number in range(5):
        question = tasks.PromptModerator(SPACE, ada, UserId(f"@p{number}:x"), False)
        await setup.enqueue_task(question, f"hand{number}")
    await setup.enqueue_task(tasks.SendLink(SPACE, ada), "link")
    await setup.enqueue_task(tell("hello"), "hello")
    await eventually(lambda: "hello" in setup.notary.keys, "the DMs wait")
    await eventually(lambda: "hand1" in setup.notary.keys, "nobody was asked")
    waiting = [row.effect.key for row in await setup.storage.outbox.pending(0, 10)]
    assert waiting[-3:] == ["hand2", "hand3", "hand4"]


async def test_hands_that_were_answered_meanwhile_use_up_no_question(
    setup: DispatcherSetup,
) -> None:
    setup.notary.nothing_to_do = True
    for number in range(5):
        question = tasks.PromptModerator(SPACE, UserId("@ada:x"), UserId(f"@p{number}:x"), False)
        await setup.enqueue_task(question, f"hand{number}")
    await setup.empty()
    assert len(setup.notary.done) == 5


class Turns(FairQueue):
    """Notes who takes turns with whom."""

    def __init__(self) -> None:
        super().__init__(10_000.0, asyncio.get_running_loop().time)
        self.groups = set[str]()

    async def turn(self, group: str) -> None:
        self.groups.add(group)
        await super().turn(group)


async def test_dms_of_a_crowd_and_floors_take_turns(storage: Storage) -> None:
    """A hundred words to a hundred people are one group, each live space's floor another."""
    turns = Turns()
    dispatcher = OutboxDispatcher(storage.outbox, SystemClock(), Notary(), turns, lambda _: None)
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
    running = asyncio.create_task(dispatcher.run())

    async def nothing_left() -> bool:
        return not await storage.outbox.pending(0, 1)

    await eventually(nothing_left, "the outbox did not get empty")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert turns.groups == {"dm", f"{SPACE}|floor", f"{other}|floor", SPACE}
