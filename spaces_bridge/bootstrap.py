"""The composition root: the only module that knows every package."""

import asyncio
import contextlib
import logging
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from spaces_bridge.app.audiences import Audiences
from spaces_bridge.app.ban_lists import BanListService
from spaces_bridge.app.context import AppContext, AppSettings
from spaces_bridge.app.errors import AdapterError
from spaces_bridge.app.media_events import MediaEvents
from spaces_bridge.app.ports import Captioner, Health
from spaces_bridge.app.reconcile import Reconciler
from spaces_bridge.app.registry import Spaces
from spaces_bridge.app.sessions import Sessions
from spaces_bridge.app.supervisor import TaskSupervisor
from spaces_bridge.app.timekeeper import Timekeeper
from spaces_bridge.app.usecases import UseCases, use_cases_of
from spaces_bridge.call_assembly import (
    CallNeeds,
    calls_of,
    needs_relays,
    refuse_missing_livekit,
)
from spaces_bridge.captions.captioner import CaptionerOptions, WorkerCaptioner
from spaces_bridge.captions.models import CaptionsModelMissing
from spaces_bridge.captions.silent import NoCaptioner
from spaces_bridge.config import Config
from spaces_bridge.core.floor import QueueOrder
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.roles import RoleLevels
from spaces_bridge.livekit.service import LiveKitService
from spaces_bridge.matrix import (
    DelayedEventsClient,
    MatrixService,
    MatrixSettings,
    OpenIdSettings,
    OpenIdVerifier,
)
from spaces_bridge.matrix.crypto.assembly import OwnKeys, open_own_keys
from spaces_bridge.matrix.crypto.pickles import WrongPickleKeyError
from spaces_bridge.media.cluster_stage import ClusterStage
from spaces_bridge.media.launch import sole_bridge
from spaces_bridge.media_assembly import LocalRelay, Sound, media_options, sound_of
from spaces_bridge.startup import ExitCode, StartUpError
from spaces_bridge.storage.errors import SchemaError
from spaces_bridge.storage.sole_user import DatabaseInUse, SoleUser, sole_user, until_taken
from spaces_bridge.storage.storage import Storage, open_storage
from spaces_bridge.web.feed.hub import Hub
from spaces_bridge.web.http.metrics import Numbers, NumberSource, task_numbers
from spaces_bridge.web.service import Dependencies, WebService
from spaces_bridge.web.settings import WebSettings

log = logging.getLogger(__name__)

CLOSE_S: Final = 2.5
"""Seconds for parts that close side by side; service managers are impatient, nothing is lost."""


class SystemClock:
    """The system's clock. Implements the app's `Clock`."""

    def now_ms(self) -> int:
        """Unix time in milliseconds."""
        return time.time_ns() // 1_000_000


class LateOutboxSignal:
    """The outbox signal that is made before the Matrix service; it does nothing until then."""

    def __init__(self) -> None:
        self.matrix: MatrixService | None = None

    def wake(self) -> None:
        """Pass the signal on. Part of the `OutboxSignal` port."""
        if self.matrix is not None:
            self.matrix.wake()


async def run(config: Config) -> int:
    """Run the bridge until SIGTERM or SIGINT; returns the exit code. Raises StartUpError."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    async with running_bridge(config) as failed:
        log.info("the bridge is up: %s", config.web.base_url)
        stopped = asyncio.create_task(stopping.wait())
        await asyncio.wait({stopped, failed}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if failed.done():
            failed.result()
        log.info("the bridge stops")
    return ExitCode.OK


@contextlib.asynccontextmanager
async def running_bridge(config: Config) -> AsyncIterator[asyncio.Task[None]]:
    """Start all parts, and stop them: first the services, side by side, then what they use.

    Yields a task that fails when captions turn out to be impossible, or another bridge takes the
    database. Raises StartUpError.
    """
    refuse_missing_livekit(config)
    async with contextlib.AsyncExitStack() as closing:
        # before all else: a second bridge must not get at the first one's worker
        closing.enter_context(sole_bridge(media_options(config)))
        sole = await _sole_user(config, closing)
        captioning = await _started(await _made(config, closing), config, closing)
        ending = asyncio.create_task(_first_failure(captioning, sole), name="first failure")
        closing.callback(ending.cancel)
        yield ending


@dataclass(frozen=True, slots=True)
class _Parts:
    """The parts that are started, put together by `_made`."""

    identities: OpenIdVerifier
    delayed_events: DelayedEventsClient
    sound: Sound
    captioner: WorkerCaptioner | NoCaptioner
    ban_lists: BanListService
    spaces: Spaces
    media_events: MediaEvents
    matrix: MatrixService
    calls: LiveKitService | None
    pages: WebService
    tasks: TaskSupervisor


async def _made(config: Config, closing: contextlib.AsyncExitStack) -> _Parts:
    """Open the database and make all parts; none of the others is started."""
    clock, signal_later, hub, tasks = SystemClock(), LateOutboxSignal(), Hub(), TaskSupervisor()
    identities, delayed_events = _strangers(config)
    for asker in (identities, delayed_events):
        closing.push_async_callback(asker.stop)
    storage = await _open_storage(config, clock)
    closing.push_async_callback(storage.close)
    tasks.keep("database watch", storage.watch.run)
    closing.push_async_callback(tasks.stop, "database watch")
    sound = sound_of(config, tasks, needs_relays=needs_relays(config))
    stage = sound.stage
    captioner = _captioner(config, tasks)
    ban_lists = BanListService(storage.blocks, storage.policy_rules, clock)
    await ban_lists.load()
    audience = Audiences(hub)
    context = AppContext(
        journal=storage.journal,
        directory=storage.directory,
        outbox=storage.outbox,
        notes=storage.notes,
        stage=stage,
        captioner=captioner,
        audience=audience,
        outbox_signal=signal_later,
        ban_lists=ban_lists,
        followers=storage.followers,
        clock=clock,
        settings=app_settings(config),
    )
    spaces = Spaces(context, tasks)
    ban_lists.attend(spaces)
    media_events = _media_events(spaces, sound, captioner)
    sessions = Sessions(storage.tokens, clock, config.homeserver.domain)
    use_cases = use_cases_of(spaces, ban_lists, storage.reports, config.permission_of)
    own_keys = await _own_keys(config, storage, clock)
    matrix = _matrix(
        config, storage, spaces, sessions, use_cases, ban_lists, tasks, own_keys, sound
    )
    audience.add(matrix.plain_calls)
    stage.plain_calls.attend_plain_calls(matrix.plain_calls)
    signal_later.matrix = matrix
    needs = CallNeeds(
        spaces=spaces,
        audience=audience,
        stage=stage.calls,
        relays=sound.relays,
        ban_lists=ban_lists,
        use_cases=use_cases,
        identities=identities,
        delayed_events=delayed_events,
        openid=_openid_settings(config),
        matrix=matrix,
        tasks=tasks,
    )
    calls = calls_of(config, needs) if config.livekit.enabled else None
    pages = WebService(
        _web_settings(config),
        hub,
        spaces,
        _dependencies(sessions, identities, ban_lists, storage, matrix),
        use_cases,
        {**_health(config, storage, matrix, sound, captioner), "tasks": tasks},
        _numbers(tasks, storage, sound, captioner, calls, matrix),
        mounts=[each for each in (calls, sound.nodes) if each is not None],
    )
    return _Parts(
        identities,
        delayed_events,
        sound,
        captioner,
        ban_lists,
        spaces,
        media_events,
        matrix,
        calls,
        pages,
        tasks,
    )


def _media_events(spaces: Spaces, sound: Sound, captioner: Captioner) -> MediaEvents:
    """Return what hands events of sound and captions to live spaces, told of both."""
    media_events = MediaEvents(spaces)
    sound.stage.listen(media_events)
    captioner.listen(media_events)
    return media_events


def _dependencies(
    sessions: Sessions,
    identities: OpenIdVerifier,
    ban_lists: BanListService,
    storage: Storage,
    matrix: MatrixService,
) -> Dependencies:
    """Return what the pages ask of others."""
    desk = matrix.verification_desk
    return Dependencies(sessions, identities, matrix.pictures, ban_lists, storage.reports, desk)


def _matrix(
    config: Config,
    storage: Storage,
    spaces: Spaces,
    sessions: Sessions,
    use_cases: UseCases,
    ban_lists: BanListService,
    tasks: TaskSupervisor,
    own_keys: OwnKeys | None,
    sound: Sound,
) -> MatrixService:
    return MatrixService(
        _matrix_settings(config),
        spaces,
        sessions,
        storage.inbox,
        storage.tokens,
        use_cases,
        ban_lists=ban_lists,
        followers=storage.followers,
        reports=storage.reports,
        crypto_store=storage.crypto,
        tasks=tasks,
        own_keys=own_keys,
        plain_stage=sound.stage.plain_calls,
    )


async def _started(
    parts: _Parts, config: Config, closing: contextlib.AsyncExitStack
) -> asyncio.Task[None]:
    """Start the parts in the order in which they need each other. Raises StartUpError."""
    await parts.identities.start()
    await parts.delayed_events.start()
    await parts.spaces.resume()
    closing.push_async_callback(parts.spaces.stop)
    stage, relay, nodes = parts.sound.stage, parts.sound.relay, parts.sound.nodes
    closing.push_async_callback(stage.stop)
    await _start_stage(stage, config)
    if relay is not None:
        closing.push_async_callback(relay.stop)
        relay.start()
    stops: list[Callable[[], Awaitable[None]]] = [parts.matrix.stop]
    closing.push_async_callback(side_by_side, stops)
    closing.callback(stage.end_streams)
    with _listening("appservice", config.appservice.hostname, config.appservice.port):
        await parts.matrix.start()
    reconciler = Reconciler(parts.spaces, parts.media_events, parts.matrix, parts.tasks)
    reconciler.start()
    timekeeper = Timekeeper(parts.spaces, parts.tasks)
    timekeeper.start()
    stops += [timekeeper.stop, reconciler.stop, parts.ban_lists.stop, parts.pages.stop]
    if parts.calls is not None:
        parts.calls.start()
        stops.append(parts.calls.stop)
    if nodes is not None:
        stops.append(nodes.stop)
    with _listening("web and ops", config.web.hostname, config.web.port, config.ops.port):
        await parts.pages.start()
    captioning = asyncio.create_task(_start_captions(parts.captioner), name="captions start")
    stops.append(partial(_stop_captions, parts.captioner, captioning))
    return captioning


async def side_by_side(stops: Sequence[Callable[[], Awaitable[None]]]) -> None:
    """Stop parts side by side; one that takes too long is left, a failure stops no other."""
    stopping = [asyncio.ensure_future(stop()) for stop in stops]
    _, late = await asyncio.wait(stopping, timeout=CLOSE_S)
    for task in late:
        log.warning("a part of the bridge does not close in time and is left: %s", task)
        task.cancel()
    for outcome in await asyncio.gather(*(set(stopping) - late), return_exceptions=True):
        if isinstance(outcome, BaseException):
            log.error("a part of the bridge did not close", exc_info=outcome)


# --- starting -----------------------------------------------------------------------------------


async def _sole_user(config: Config, closing: contextlib.AsyncExitStack) -> SoleUser:
    """Have the database to ourselves until the end. Raises StartUpError."""
    try:
        return await closing.enter_async_context(sole_user(config.database.url.get_secret_value()))
    except AdapterError as error:
        raise StartUpError(ExitCode.DATABASE, str(error)) from error


async def _first_failure(captioning: asyncio.Task[None], sole: SoleUser) -> None:
    """Wait until captions turn out to be impossible, or another bridge has our database.

    Raises StartUpError.
    """
    try:
        await asyncio.gather(captioning, until_taken(sole))
    except DatabaseInUse as error:
        raise StartUpError(ExitCode.DATABASE, str(error)) from error


async def _open_storage(config: Config, clock: SystemClock) -> Storage:
    try:
        return await open_storage(config.database.url.get_secret_value(), clock)
    except SchemaError as error:
        raise StartUpError(ExitCode.DATABASE_SCHEMA, str(error)) from error
    except AdapterError as error:
        raise StartUpError(ExitCode.DATABASE, str(error)) from error


async def _own_keys(config: Config, storage: Storage, clock: SystemClock) -> OwnKeys | None:
    """Return the bot's keys for encrypted rooms; None where it has none. Raises StartUpError."""
    if not config.encryption.enabled:
        return None
    secret = (
        config.encryption.pickle_key.get_secret_value()
        or config.appservice.as_token.get_secret_value()
    )
    policy = config.encryption.share_keys_with
    try:
        return await open_own_keys(storage.crypto, UserId(config.bot_mxid), secret, policy, clock)
    except (WrongPickleKeyError, AdapterError) as error:
        raise StartUpError(ExitCode.DATABASE, str(error)) from error


def _strangers(config: Config) -> tuple[OpenIdVerifier, DelayedEventsClient]:
    """Return the parts that ask other people's homeservers. Raises StartUpError."""
    settings = _openid_settings(config)
    try:
        return OpenIdVerifier(settings), DelayedEventsClient(settings)
    except OSError as error:
        text = f"`openid.ca_file` ({settings.ca_file}) cannot be used: {error}. Name a PEM file."
        raise StartUpError(ExitCode.CONFIG_INVALID, text) from error


async def _start_stage(stage: ClusterStage, config: Config) -> None:
    try:
        await stage.start()
    except AdapterError as error:
        raise StartUpError(ExitCode.LISTENER, str(error)) from error
    except OSError as error:
        raise StartUpError(
            ExitCode.LISTENER,
            f"The media port {config.media.port} cannot be used: {error}. Free it, or set another "
            "media.port.",
        ) from error


async def _start_captions(captioner: WorkerCaptioner | NoCaptioner) -> None:
    """Start the captioner and wait for ever. Raises StartUpError when there is no model."""
    try:
        await captioner.start()
    except CaptionsModelMissing as error:
        raise StartUpError(ExitCode.CONFIG_INVALID, str(error)) from error
    await asyncio.Event().wait()


async def _stop_captions(
    captioner: WorkerCaptioner | NoCaptioner, starting: asyncio.Task[None]
) -> None:
    starting.cancel()
    await asyncio.gather(starting, return_exceptions=True)
    await captioner.stop()


@contextlib.contextmanager
def _listening(section: str, hostname: str, *ports: int) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        wanted = ", ".join(f"{hostname}:{port}" for port in ports)
        raise StartUpError(
            ExitCode.LISTENER,
            f"The {section} listener cannot use {wanted}: {error}. Free the port, or set another "
            "one in the config.",
        ) from error


# --- settings of each package -------------------------------------------------------------------


def _levels(config: Config) -> RoleLevels:
    levels = config.levels
    return RoleLevels(host=levels.host, cohost=levels.cohost, speaker=levels.speaker)


def app_settings(config: Config) -> AppSettings:
    """Return the settings of the app: most of all what a new live space is like."""
    return AppSettings(
        domain=config.homeserver.domain,
        bot=config.bot_mxid,
        levels=_levels(config),
        max_speakers=config.hosting.max_speakers,
        max_cohosts=config.hosting.max_cohosts,
        queue_order=QueueOrder(config.hosting.queue_order),
        min_followers=config.hosting.min_followers,
        captions=config.captions.enabled,
        language=config.captions.language,
        reaction_ttl_ms=config.reactions.ttl_s * 1000,
        host_grace_ms=config.hosting.host_grace_s * 1000,
    )


def _captioner(config: Config, tasks: TaskSupervisor) -> WorkerCaptioner | NoCaptioner:
    if not config.captions.enabled:
        return NoCaptioner()
    captions = config.captions
    return WorkerCaptioner(
        CaptionerOptions(
            captions.model,
            captions.language,
            Path(captions.cache_dir),
            partials=captions.partials,
        ),
        tasks,
    )


def _matrix_settings(config: Config) -> MatrixSettings:
    return MatrixSettings(
        homeserver=config.homeserver.address,
        domain=config.homeserver.domain,
        as_token=config.appservice.as_token.get_secret_value(),
        hs_token=config.appservice.hs_token.get_secret_value(),
        page_base=config.web.base_url,
        appservice_id=config.appservice.id,
        bot_localpart=config.appservice.bot_localpart,
        hostname=config.appservice.hostname,
        port=config.appservice.port,
        captions=config.captions.enabled,
        caption_delivery=config.captions.delivery,
        events_per_second=config.limits.events_per_second,
        redactions_per_minute=config.reactions.redactions_per_minute,
        timezone=config.hosting.timezone,
        invitations_per_minute=config.invitations.per_minute,
        strangers_per_day=config.invitations.strangers_per_day,
        invitations_per_inviter=config.invitations.per_inviter_per_day,
        invitations_per_person=config.invitations.per_person_per_day,
        moderators_room=config.moderation.room,
        policy_lists=config.moderation.policy_lists,
        call_stage=config.livekit.stage if config.livekit.enabled else "off",
        livekit_url=config.call_url,
        encrypts=config.encryption.enabled,
    )


def _openid_settings(config: Config) -> OpenIdSettings:
    return OpenIdSettings(
        homeserver=config.homeserver.address,
        domain=config.homeserver.domain,
        allowed_networks=tuple(str(network) for network in config.openid.allowed_networks),
        ca_file=config.openid.ca_file,
    )


def _web_settings(config: Config) -> WebSettings:
    return WebSettings(
        hostname=config.web.hostname,
        port=config.web.port,
        public_url=config.web.public_url,
        path_prefix=config.web.path_prefix,
        frame_ancestors=tuple(config.web.frame_ancestors),
        trusted_proxies=tuple(str(network) for network in config.web.trusted_proxies),
        ops_hostname=config.ops.hostname,
        ops_port=config.ops.port,
        bot=config.bot_mxid,
        guest_chat=config.web.guest_chat,
        http_listeners_max=config.web.http_listeners_max,
        admin_token=config.ops.admin_token.get_secret_value(),
    )


def _health(
    config: Config, storage: Storage, matrix: MatrixService, sound: Sound, captioner: Captioner
) -> Mapping[str, Health]:
    parts: dict[str, Health] = {
        "database": storage.health,
        "homeserver": matrix,
        "media": sound.stage,
    }
    # remote speakers alone: the stage works without them
    if sound.relay is not None and config.media.engine == "livekit":
        parts["sfu_client"] = sound.relay
    if isinstance(captioner, WorkerCaptioner):
        parts["captions"] = captioner
    return parts


def _of_relay(relay: LocalRelay) -> NumberSource:
    async def of_relays() -> Numbers:
        return relay.metrics()

    return of_relays


def _numbers(
    tasks: TaskSupervisor,
    storage: Storage,
    sound: Sound,
    captioner: Captioner,
    calls: LiveKitService | None,
    matrix: MatrixService,
) -> Mapping[str, NumberSource]:
    async def of_media() -> Numbers:
        return sound.stage.metrics()

    async def of_workers() -> Numbers:
        return sound.stage.worker_metrics()

    async def of_nodes() -> Numbers:
        return sound.stage.node_metrics()

    async def of_plain_calls() -> Numbers:
        return matrix.plain_calls.numbers()

    sources: dict[str, NumberSource] = {
        "plain_calls": of_plain_calls,
        "tasks": task_numbers(tasks),
        "database": storage.backlog,
        "media": of_media,
        "workers": of_workers,
        "nodes": of_nodes,
    }
    if sound.relay is not None:
        sources["relays"] = _of_relay(sound.relay)
    if calls is not None:
        sources["calls"] = calls.numbers
    if matrix.encryption is not None:
        sources["encryption"] = matrix.encryption.numbers
    if isinstance(captioner, WorkerCaptioner):
        captions = captioner

        async def of_captions() -> Numbers:
            return captions.metrics()

        sources["captions"] = of_captions
    return sources
