"""The assembly of calls: the authoriser, and the engine that the config chooses."""

import importlib.util
from dataclasses import dataclass

from spaces_bridge.app.audiences import Audiences
from spaces_bridge.app.ban_lists import BanListService
from spaces_bridge.app.call_ports import CallPresence, CallStage
from spaces_bridge.app.registry import Spaces
from spaces_bridge.app.relay_attendants import RelayAttendants
from spaces_bridge.app.relay_ports import RelayListener, RelayTokens, RoomRelays
from spaces_bridge.app.supervisor import TaskSupervisor
from spaces_bridge.app.usecases import UseCases
from spaces_bridge.app.usecases.calls import Calls, CallTokenIssuer
from spaces_bridge.config import Config
from spaces_bridge.core.ids import UserId
from spaces_bridge.livekit.embedded import EmbeddedEngine
from spaces_bridge.livekit.issuer import CallTokens
from spaces_bridge.livekit.numbers import NumberReader
from spaces_bridge.livekit.remote.service import EngineWithRemotes
from spaces_bridge.livekit.remote.speakers import RemoteSpeakers
from spaces_bridge.livekit.room_service import RoomService
from spaces_bridge.livekit.rooms import CallRooms
from spaces_bridge.livekit.service import CallDependencies, CallEngine, LiveKitService, Routes
from spaces_bridge.livekit.signalling import Signalling
from spaces_bridge.livekit.tokens import TokenSigner, derived_secret
from spaces_bridge.matrix import (
    DelayedEventsClient,
    ForeignSfuClient,
    MatrixService,
    OpenIdSettings,
    OpenIdVerifier,
    ProxiedCalls,
)
from spaces_bridge.media.sfu_process import INSTALL, is_sdk_installed
from spaces_bridge.startup import ExitCode, StartUpError
from spaces_bridge.web.access.addresses import Addresses

LIVEKIT_API = "livekit.api"
"""What the LiveKit engine needs besides the SDK: the extra `livekit` brings both."""


@dataclass(frozen=True, slots=True)
class CallNeeds:
    """What calls are made of: `stage` of the embedded engine, `relays` where they are needed."""

    spaces: Spaces
    audience: Audiences
    stage: CallStage | None
    relays: RoomRelays | None
    ban_lists: BanListService
    use_cases: UseCases
    identities: OpenIdVerifier
    delayed_events: DelayedEventsClient
    openid: OpenIdSettings
    matrix: MatrixService
    tasks: TaskSupervisor


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The parts that are others with each engine."""

    engine: CallEngine
    presence: CallPresence
    tokens: CallTokenIssuer
    mounts: tuple[Routes, ...] = ()
    home: RelayListener | None = None
    home_tokens: RelayTokens | None = None
    numbers: tuple[NumberReader, ...] = ()


def needs_relays(config: Config) -> bool:
    """Return whether media workers have to join rooms at SFUs."""
    wanted = config.media.engine == "livekit" or config.livekit.remote_speakers
    return config.livekit.enabled and wanted


def refuse_missing_livekit(config: Config) -> None:
    """Raise StartUpError where relays are needed, and their packages are not there."""
    if not needs_relays(config):
        return
    is_livekit = config.media.engine == "livekit"
    missing = [] if is_sdk_installed() else ["livekit"]
    if is_livekit and importlib.util.find_spec(LIVEKIT_API) is None:
        missing.append("livekit-api")
    wanted, otherwise = "`media.engine` is livekit", "`media.engine` to embedded"
    if not is_livekit:
        wanted, otherwise = "`livekit.remote_speakers` is true", "it to false"
    if missing:
        raise StartUpError(
            ExitCode.CONFIG_INVALID,
            f"{wanted}, and the Python package {missing[0]} is not installed. Install it "
            f"with {INSTALL}, or set {otherwise}.",
        )


def calls_of(config: Config, needs: CallNeeds) -> LiveKitService:
    """Return the service of calls, which the bridge is to start. Raises StartUpError."""

    def bars(host: UserId, user: UserId) -> bool:
        return needs.ban_lists.verdict(host, user) is not None

    is_livekit = config.media.engine == "livekit"
    strict = config.livekit.stage == "strict"
    permits = Calls(needs.spaces, bars, strict=strict, mute_ends_publishing=is_livekit)
    signer = signer_of(config)
    chosen = (_livekit if is_livekit else _embedded)(config, needs, permits, signer)
    around = CallDependencies(
        calls=permits,
        identities=needs.identities,
        secrecy=needs.matrix,
        presence=chosen.presence,
        events=needs.delayed_events,
        notes=needs.spaces.context.notes,
        tasks=needs.tasks,
        address_of=Addresses(tuple(map(str, config.web.trusted_proxies))).of,
        domain=config.homeserver.domain,
        engine=_engine_of(config, needs, permits, chosen),
        numbers=chosen.numbers,
    )
    service = LiveKitService(chosen.tokens, signer, around, chosen.mounts)
    addresses = (config.call_url, config.call_service_url)
    proxied = ProxiedCalls(permits, needs.matrix, service.tokens, service.leaves, addresses)
    needs.audience.add(needs.matrix.call_reactions)
    needs.matrix.serve_calls(proxied)
    return service


def signer_of(config: Config) -> TokenSigner:
    """Return the signer with the config's key and secret, or the secret made of `as_token`."""
    secret = config.livekit.api_secret.get_secret_value()
    as_token = config.appservice.as_token.get_secret_value()
    return TokenSigner(config.livekit.api_key, secret or derived_secret(as_token))


def _embedded(config: Config, needs: CallNeeds, permits: Calls, signer: TokenSigner) -> _Chosen:
    if needs.stage is None:
        raise AssertionError("the embedded engine needs a media worker on this machine")
    rooms = CallRooms(needs.spaces, permits, needs.stage, needs.matrix.call_members)
    needs.stage.attend_calls(rooms)
    needs.audience.add(rooms)
    # a secret that nobody was given signs for nobody outside
    outside = signer if config.livekit.api_secret.get_secret_value() else None
    signalling = Signalling(rooms, signer, permits)
    return _Chosen(
        EmbeddedEngine(rooms),
        rooms,
        CallTokens(config.call_url, signer),
        (signalling, RoomService(rooms, needs.spaces, needs.use_cases.blocking, outside)),
        numbers=(rooms.numbers, signalling.numbers),
    )


def _livekit(config: Config, needs: CallNeeds, permits: Calls, signer: TokenSigner) -> _Chosen:
    # not before: they need packages that the embedded engine does without
    from spaces_bridge.livekit.engine.api import LiveKitApi
    from spaces_bridge.livekit.engine.credentials import Credentials
    from spaces_bridge.livekit.engine.engine import LiveKitEngine
    from spaces_bridge.livekit.engine.issuing import EngineTokens, HomeTokens
    from spaces_bridge.livekit.engine.room import RoomNeeds
    from spaces_bridge.livekit.engine.rooms import EngineRooms

    if needs.relays is None:
        raise AssertionError("the LiveKit engine needs relays")
    key, secret = config.livekit.api_key, config.livekit.api_secret.get_secret_value()
    credentials = Credentials(secret)
    bot = UserId(needs.spaces.context.settings.bot)
    control = LiveKitApi(config.livekit.server_url, key, secret)
    rooms = EngineRooms(
        RoomNeeds(
            spaces=needs.spaces,
            calls=permits,
            control=control,
            relays=needs.relays,
            credentials=credentials,
            bot=bot,
            url=config.sfu_url,
            members=needs.matrix.call_members,
        ),
        control,
    )
    home_tokens = HomeTokens(needs.spaces, key, secret, credentials, bot)
    needs.audience.add(rooms)
    tokens = EngineTokens(config.call_url, key, secret, credentials)
    engine = LiveKitEngine(rooms, control, needs.tasks)
    return _Chosen(engine, rooms, tokens, home=rooms, home_tokens=home_tokens)


def _engine_of(config: Config, needs: CallNeeds, permits: Calls, chosen: _Chosen) -> CallEngine:
    """Return the engine with what its relays need, remote speakers among it. StartUpError."""
    engine, remote = chosen.engine, None
    if needs.relays is None:
        return engine
    if config.livekit.remote_speakers:
        connections = _foreign_sfus(config, needs)
        remote = RemoteSpeakers(
            needs.spaces,
            permits,
            needs.relays,
            connections,
            needs.matrix.remote_members,
            needs.tasks,
        )
        needs.matrix.remote_members.watch(remote)
        needs.audience.add(remote)
        engine = EngineWithRemotes(engine, remote, connections, needs.tasks)
    attendants = RelayAttendants(chosen.home, chosen.home_tokens, remote)
    needs.relays.attend_relays(attendants, attendants)
    return engine


def _foreign_sfus(config: Config, needs: CallNeeds) -> ForeignSfuClient:
    """Return the client for other servers' authorisers. Raises StartUpError."""
    try:
        return ForeignSfuClient(
            needs.openid, UserId(needs.spaces.context.settings.bot), needs.matrix.openid_token
        )
    except OSError as error:
        raise StartUpError(ExitCode.CONFIG_INVALID, f"`openid.ca_file`: {error}.") from error
