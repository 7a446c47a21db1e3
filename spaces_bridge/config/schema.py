"""The schema: every key of the config with its default, its limits and its comment.

The models are frozen: the config is read once, at the start. Each key's description becomes its
comment in `config.example.yaml`, its default is the value there, and a section's docstring is
the comment above the section.
"""

from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    IPvAnyAddress,
    IPvAnyNetwork,
    SecretStr,
    field_validator,
    model_validator,
)

PLACEHOLDER = "written by spaces-bridge -g"
"""The example's value where a secret belongs; the program refuses to run with it."""

EXAMPLE_DOMAIN = "example.com"

PermissionName = Literal["listen", "host", "admin"]
SIGNING_SECRET_MIN = 32
"""Characters of a secret that signs with SHA-256 (RFC 7518, section 3.2)."""

NODE_SECRET_MIN = 32
"""Characters of the secret of media nodes, which nobody is to guess."""

Port = Annotated[int, Field(ge=1, le=65535)]
Level = Annotated[int, Field(ge=1, le=99)]


def _http_url(value: str) -> str:
    """Check an address without path, query or fragment, and drop a closing slash."""
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("write a whole address such as https://host.example:8448")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError("write only scheme, host and port: no path, query or fragment")
    return value.rstrip("/")


def _websocket_url(url: str) -> str:
    """Return the address with the scheme that WebSockets have for it."""
    return url.replace("http", "ws", 1) if url.startswith("http") else url


def _is_loopback(host: str) -> bool:
    """Return whether a host of an address is each machine's own."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


HttpUrl = Annotated[str, AfterValidator(_http_url)]


class ConfigSection(BaseModel):
    """A section of the file: unknown keys are an error, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class HomeserverConfig(ConfigSection):
    """The homeserver this bridge belongs to."""

    address: HttpUrl = Field(
        "http://localhost:8008", description="Where the bridge reaches the homeserver."
    )
    domain: str = Field(
        EXAMPLE_DOMAIN, min_length=1, description="The part of your user IDs after the colon."
    )


class AppserviceConfig(ConfigSection):
    """The private listener for the homeserver, and what the registration says."""

    address: HttpUrl = Field(
        "http://localhost:29340", description="Where the homeserver reaches the bridge."
    )
    hostname: str = Field(
        "127.0.0.1", description="Address to listen on; the homeserver alone needs to reach it."
    )
    port: Port = Field(29340, description="Port to listen on.")
    id: str = Field("spaces", min_length=1, description="Name of this bridge in the registration.")
    bot_localpart: str = Field(
        "spacesbot",
        pattern=r"^[a-z0-9._=/+-]+$",
        description="The bot's user ID without @ and domain.",
    )
    as_token: SecretStr = Field(
        SecretStr(PLACEHOLDER), description="Secret of the bridge towards the homeserver."
    )
    hs_token: SecretStr = Field(
        SecretStr(PLACEHOLDER), description="Secret of the homeserver towards the bridge."
    )


class DatabaseConfig(ConfigSection):
    """Where live spaces are remembered."""

    url: SecretStr = Field(
        SecretStr("sqlite:data/spaces.db"),
        description="sqlite:PATH (sqlite:/abs/path for an absolute one) or "
        "postgres://USER:PASSWORD@HOST/DATABASE.",
    )

    @field_validator("url")
    @classmethod
    def _known_engine(cls, value: SecretStr) -> SecretStr:
        scheme, _, rest = value.get_secret_value().partition(":")
        if scheme not in {"sqlite", "postgres", "postgresql"} or not rest:
            raise ValueError(
                "write sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE: no other database "
                "is supported"
            )
        return value


class WebConfig(ConfigSection):
    """The public pages, best behind a reverse proxy with HTTPS."""

    hostname: str = Field("127.0.0.1", description="Address to listen on.")
    port: Port = Field(29341, description="Port to listen on.")
    public_url: HttpUrl = Field(
        "https://spaces.example.com",
        description="Scheme and host that people type; browsers open microphones on https only.",
    )
    path_prefix: str = Field(
        "", description='Path under which the pages live at that host, such as /spaces; "" = root.'
    )
    frame_ancestors: tuple[str, ...] = Field(
        (),
        description="Origins whose pages may show ours in a frame, such as https://app.element.io.",
    )
    guest_chat: bool = Field(
        False,
        description='Guests of the page may write in the chat; the room calls them "A guest".',
    )
    http_listeners_max: int = Field(
        1000,
        ge=0,
        description="People who may listen over plain HTTP (live.ogg) at the same time.",
    )
    trusted_proxies: tuple[IPvAnyNetwork, ...] = Field(
        (ip_network("127.0.0.0/8"), ip_network("::1/128")),
        description="Networks of reverse proxies whose X-Forwarded-For or Forwarded is believed.",
    )

    @field_validator("frame_ancestors")
    @classmethod
    def _origins_only(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_http_url(origin) for origin in value)

    @field_validator("path_prefix")
    @classmethod
    def _one_form_of_prefix(cls, value: str) -> str:
        if set(value) & set("?#\\ \r\n\t") or ".." in value:
            raise ValueError("write a plain path such as /spaces")
        return f"/{value.strip('/')}" if value.strip("/") else ""

    @property
    def base_url(self) -> str:
        """The address of the directory page, without a closing slash."""
        return self.public_url + self.path_prefix


class OpsConfig(ConfigSection):
    """Health, metrics and the admin API, for yourself only."""

    hostname: str = Field("127.0.0.1", description="Address to listen on.")
    port: Port = Field(29342, description="Port to listen on.")
    admin_token: SecretStr = Field(
        SecretStr(""),
        description="Secret of the admin API, 16 characters or more. Empty: there is no such API.",
    )


class OpenIdConfig(ConfigSection):
    """Who people are whose Matrix client shows the page: their own servers are asked."""

    allowed_networks: tuple[IPvAnyNetwork, ...] = Field(
        (),
        description="Private networks, such as 10.0.0.0/8, whose Matrix servers may be asked, "
        "too; of the internet all may.",
    )
    ca_file: str = Field(
        "",
        description="PEM file of further certificate authorities for those servers. Empty: the "
        "system's alone.",
    )


class MediaConfig(ConfigSection):
    """The sound: one UDP port, and TCP on the same number, reachable from the internet."""

    engine: Literal["embedded", "livekit"] = Field(
        "embedded",
        description="What carries calls: embedded (the media worker), or livekit (a LiveKit "
        "server or cluster of yours, see docs/element-call.md).",
    )
    addresses: tuple[IPvAnyAddress, ...] = Field(
        (ip_address("127.0.0.1"),),
        min_length=1,
        description="Public and local IP addresses (IPv4 and IPv6) that browsers are told.",
    )
    port: Port = Field(29350, description="The UDP and TCP port of the first media worker.")
    hostnames: tuple[IPvAnyAddress, ...] = Field(
        (ip_address("0.0.0.0"), ip_address("::")),
        min_length=1,
        description="Addresses to bind that port on; one this machine lacks is left out.",
    )
    runtime_dir: str = Field(
        "data/run", min_length=1, description="Directory of the workers' private sockets."
    )
    memory_limit_mb: int = Field(
        1024,
        ge=256,
        description="Address space one media worker may take, in MiB: 1024 are enough for 4000 "
        "people at the same time, 256 for 300; whoever comes beyond that is told it is full.",
    )
    orphan_grace_s: int = Field(
        900, ge=0, description="Seconds the sound goes on while the bridge itself is away."
    )
    opus_bitrate: int = Field(
        32000, ge=6000, le=128000, description="Bits per second of the mix each listener gets."
    )
    crowd_frame_ms: Literal[20, 40, 60] = Field(
        60,
        description="Milliseconds of sound in a packet for those who only listen in a crowd: 60 "
        "cost a third of 20, and add 40 to the delay.",
    )
    crowd_from: int = Field(
        200, ge=1, description="Listeners of a live space from which on it is a crowd."
    )
    node_secret: SecretStr = Field(
        SecretStr(""),
        description="Secret of media nodes (see docs/nodes.md), 32 characters or more. Empty: "
        "there are none.",
    )
    local_worker: bool = Field(
        True,
        description="false: this machine carries no sound, media nodes alone do (docs/nodes.md).",
    )

    @field_validator("node_secret")
    @classmethod
    def _long_enough(cls, value: SecretStr) -> SecretStr:
        if 0 < len(value.get_secret_value()) < NODE_SECRET_MIN:
            raise ValueError(f"write {NODE_SECRET_MIN} characters or more, or nothing")
        return value

    @model_validator(mode="after")
    def _worked_somewhere(self) -> Self:
        has_nodes = bool(self.node_secret.get_secret_value())
        if not self.local_worker and not has_nodes:
            raise ValueError("local_worker is false, so media nodes are needed: set node_secret")
        if has_nodes and self.engine != "livekit":
            raise ValueError(
                "media nodes hear each other through a LiveKit server: set engine to livekit, or "
                "leave node_secret empty"
            )
        return self


class CaptionsConfig(ConfigSection):
    """Speech to text, on this machine."""

    enabled: bool = Field(
        True, description="Off means no captions anywhere; a host can turn them off for one space."
    )
    model: str = Field(
        "base",
        min_length=1,
        description="Whisper model: a name (base, tiny.en), a directory, or an installed package.",
    )
    language: str = Field(
        "auto", pattern=r"^(auto|[a-z]{2,3})$", description="auto, or a code such as en or pt."
    )
    partials: bool = Field(
        True, description="Show words on the page while they are spoken; costs more CPU time."
    )
    delivery: Literal["thread", "timeline", "off"] = Field(
        "thread", description="Where captions go in Matrix: thread (of the card), timeline or off."
    )
    cache_dir: str = Field(
        "data/models", min_length=1, description="Directory for models put together from packages."
    )


class LiveKitConfig(ConfigSection):
    """Calls: Element Call and other clients of LiveKit join live spaces, by this bridge alone."""

    enabled: bool = Field(
        True, description="Off: no call can be joined. docs/element-call.md says what else to do."
    )
    url: str = Field(
        "",
        description="WebSocket address of the SFU that clients are given, such as "
        "wss://sfu.example.com. Empty: server_url, or web.public_url and web.path_prefix, then "
        "/livekit.",
    )
    server_url: str = Field(
        "",
        description="With media.engine livekit: where the bridge reaches your LiveKit server, "
        "such as http://127.0.0.1:7880.",
    )
    api_key: str = Field(
        "spaces",
        pattern=r"^[A-Za-z0-9._-]{1,64}$",
        description="Name of the secret: that of your LiveKit server, or for programs that steer "
        "calls by LiveKit's RoomService.",
    )
    api_secret: SecretStr = Field(
        SecretStr(""),
        description="Secret that signs tokens, 32 characters or more; with media.engine livekit "
        "your server's. Else empty: made from as_token, and RoomService is closed to others.",
    )
    stage: Literal["open", "strict"] = Field(
        "open",
        description="open: everybody in the room may join the call and listen. strict: only "
        "speakers may join it; the others listen on the page.",
    )
    remote_speakers: bool = Field(
        False,
        description="true: people whose homeserver names another SFU are heard from there while "
        "the floor is theirs. Needs requirements/livekit.txt; docs/element-call.md says more.",
    )

    @field_validator("url")
    @classmethod
    def _websocket(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in {"ws", "wss"} or not parts.hostname):
            raise ValueError("write a whole address such as wss://sfu.example.com, or nothing")
        if parts.query or parts.fragment or parts.username or parts.password:
            raise ValueError("write no query, fragment or password into the address")
        return value.rstrip("/")

    @field_validator("server_url")
    @classmethod
    def _server(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in {"ws", "wss", "http", "https"} or not parts.hostname):
            raise ValueError("write a whole address such as http://127.0.0.1:7880, or nothing")
        if parts.query or parts.fragment or parts.username or parts.password:
            raise ValueError("write no query, fragment or password into the address")
        return value.rstrip("/")

    @field_validator("api_secret")
    @classmethod
    def _long_enough(cls, value: SecretStr) -> SecretStr:
        if 0 < len(value.get_secret_value()) < SIGNING_SECRET_MIN:
            raise ValueError(f"write {SIGNING_SECRET_MIN} characters or more, or nothing")
        return value


class EncryptionConfig(ConfigSection):
    """Encrypted chats and rooms: the bot reads and writes there with a device of its own."""

    enabled: bool = Field(
        True, description="Off: in encrypted rooms the bot says that it cannot read there."
    )
    pickle_key: SecretStr = Field(
        SecretStr(""),
        description="Secret that encrypts the keys in the database, 32 characters or more. Empty: "
        "made from as_token. With another one, the keys there cannot be read.",
    )
    share_keys_with: Literal["everybody", "cross_signed"] = Field(
        "everybody",
        description="Whose devices can read the bot: everybody's in the room, or cross_signed "
        "ones alone.",
    )

    @field_validator("pickle_key")
    @classmethod
    def _long_enough(cls, value: SecretStr) -> SecretStr:
        if 0 < len(value.get_secret_value()) < SIGNING_SECRET_MIN:
            raise ValueError(f"write {SIGNING_SECRET_MIN} characters or more, or nothing")
        return value


class HostingConfig(ConfigSection):
    """Who may host, and how many people fit on a stage."""

    permissions: dict[str, PermissionName] = Field(
        default_factory=dict,
        description="User ID, domain or * to listen, host or admin; the closest match counts. "
        'Left empty: your own domain hosts, everybody else listens. Example: {"*": listen, '
        'example.com: host, "@you:example.com": admin}',
    )
    min_followers: int = Field(
        0, ge=0, description="Followers one needs to host; admins need none."
    )
    max_speakers: int = Field(
        10, ge=1, description="Speakers on a stage, besides host and co-hosts."
    )
    max_cohosts: int = Field(2, ge=0, description="Co-hosts of one space.")
    queue_order: Literal["arrival", "airtime"] = Field(
        "arrival", description="Who is first in the hand queue; airtime = who spoke least."
    )
    host_grace_s: int = Field(
        300,
        ge=1,
        description="Seconds a space goes on without its host; then a co-host takes over, or it "
        "ends.",
    )
    timezone: str = Field(
        "UTC", description="Of times that people write without one, such as Europe/Berlin."
    )

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value == "UTC":
            return value
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(
                "write a time zone such as UTC or Europe/Berlin; without the system's tzdata "
                "only UTC is known"
            ) from error
        return value


class InvitationsConfig(ConfigSection):
    """Direct messages that invite. Homeservers do not limit them: the bridge must."""

    per_minute: int = Field(
        120, ge=1, description="How many the bot writes a minute, to all people together."
    )
    strangers_per_day: int = Field(
        5, ge=0, description="People who never used the bot, for each inviter."
    )
    per_inviter_per_day: int = Field(
        50, ge=0, description="Personal invitations of one inviter; telling followers is apart."
    )
    per_person_per_day: int = Field(20, ge=0, description="Invitations one person gets, in all.")


class ModerationConfig(ConfigSection):
    """Who looks after the bridge, and whose ban lists count."""

    room: str = Field(
        "", description="Room ID or alias where reports are shown; invite the bot. Empty: nowhere."
    )
    policy_lists: tuple[str, ...] = Field(
        (),
        description="Policy list rooms (ID or alias) whose bans keep people out of all spaces.",
    )


class LevelsConfig(ConfigSection):
    """Power levels of the roles; may speak = an own entry of at least `speaker`."""

    host: Level = Field(90, description="The host.")
    cohost: Level = Field(60, description="Co-hosts, and what kick, ban and redact need.")
    speaker: Level = Field(10, description="Speakers.")

    @model_validator(mode="after")
    def _each_above_the_next(self) -> Self:
        if not self.host > self.cohost > self.speaker:
            raise ValueError("host must stand above cohost, and cohost above speaker")
        return self


class ReactionsConfig(ConfigSection):
    """Reactions are temporary: they are counted, then taken away."""

    ttl_s: int = Field(15, ge=1, description="Seconds a reaction stays on the card.")
    redactions_per_minute: int = Field(
        60, ge=1, description="How many the bot takes away per minute and space."
    )


class LimitsConfig(ConfigSection):
    """What the bridge allows itself towards the homeserver."""

    events_per_second: float = Field(
        10.0, gt=0, description="Events a second in all; live spaces share them fairly."
    )


class LoggingConfig(ConfigSection):
    """Logs go to standard error; they never hold tokens, messages, captions or names."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="DEBUG, INFO, WARNING or ERROR."
    )
    json_lines: bool = Field(
        False, alias="json", description="One JSON object per line instead of text for people."
    )


class Config(ConfigSection):
    """The whole configuration; see `config.example.yaml`."""

    homeserver: HomeserverConfig = Field(default_factory=HomeserverConfig)
    appservice: AppserviceConfig = Field(default_factory=AppserviceConfig)
    database: DatabaseConfig = Field(default_factory=DatabaseConfig)
    web: WebConfig = Field(default_factory=WebConfig)
    ops: OpsConfig = Field(default_factory=OpsConfig)
    openid: OpenIdConfig = Field(default_factory=OpenIdConfig)
    media: MediaConfig = Field(default_factory=MediaConfig)
    captions: CaptionsConfig = Field(default_factory=CaptionsConfig)
    livekit: LiveKitConfig = Field(default_factory=LiveKitConfig)
    encryption: EncryptionConfig = Field(default_factory=EncryptionConfig)
    hosting: HostingConfig = Field(default_factory=HostingConfig)
    levels: LevelsConfig = Field(default_factory=LevelsConfig)
    reactions: ReactionsConfig = Field(default_factory=ReactionsConfig)
    invitations: InvitationsConfig = Field(default_factory=InvitationsConfig)
    moderation: ModerationConfig = Field(default_factory=ModerationConfig)
    limits: LimitsConfig = Field(default_factory=LimitsConfig)
    logging: LoggingConfig = Field(default_factory=LoggingConfig)

    @property
    def permissions(self) -> Mapping[str, PermissionName]:
        """The permissions in force: the file's, or the default that needs the domain."""
        return self.hosting.permissions or {"*": "listen", self.homeserver.domain: "host"}

    @property
    def bot_mxid(self) -> str:
        """The bot's full user ID."""
        return f"@{self.appservice.bot_localpart}:{self.homeserver.domain}"

    @property
    def call_service_url(self) -> str:
        """The address of the authoriser of calls, a transport's `livekit_service_url`."""
        return f"{self.web.base_url}/livekit"

    @property
    def call_url(self) -> str:
        """The WebSocket address of the SFU, a transport's `url`."""
        return self.livekit.url or self.sfu_url or _websocket_url(self.call_service_url)

    @property
    def sfu_url(self) -> str:
        """The WebSocket address at which relays reach the LiveKit server; "": there is none."""
        return _websocket_url(self.livekit.server_url) if self.media.engine == "livekit" else ""

    @property
    def node_sfu_url(self) -> str:
        """The same for relays on media nodes: a loopback address would be their own machine's."""
        is_here = _is_loopback(urlsplit(self.sfu_url).hostname or "")
        return self.livekit.url if is_here else self.sfu_url

    @property
    def secrets(self) -> tuple[str, ...]:
        """Texts that must never reach a log."""
        held = (
            self.appservice.as_token,
            self.appservice.hs_token,
            self.ops.admin_token,
            self.livekit.api_secret,
            self.media.node_secret,
            self.encryption.pickle_key,
        )
        password = urlsplit(self.database.url.get_secret_value()).password
        texts = (*(secret.get_secret_value() for secret in held), password)
        return tuple(text for text in texts if text)

    def permission_of(self, mxid: str) -> PermissionName:
        """Return a user's permission: the own entry first, then the domain's, then everybody's."""
        _, _, domain = mxid.partition(":")
        for key in (mxid, domain, "*"):
            if key in self.permissions:
                return self.permissions[key]
        return "listen"
