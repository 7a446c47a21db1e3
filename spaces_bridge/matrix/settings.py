"""The settings of the Matrix adapter."""

from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Literal
from zoneinfo import ZoneInfo

from spaces_bridge.app.addresses import room_alias
from spaces_bridge.core.ids import UserId

ANSWERS_SHARE = 0.4
ANSWERS_TO_HOSTS_SHARE = 0.7
CaptionDelivery = Literal["thread", "timeline", "off"]
StageAccess = Literal["off", "open", "strict"]
"""Who may join the call of a live space's room: nobody, everybody, or people with the floor."""


@dataclass(frozen=True, slots=True)
class MatrixSettings:
    """The Matrix adapter's addresses, secrets and limits.

    `page_base` is the address of the directory page, with no slash at its end.
    """

    homeserver: str
    domain: str
    as_token: str = field(repr=False)
    hs_token: str = field(repr=False)
    page_base: str
    appservice_id: str = "spaces"
    bot_localpart: str = "spacesbot"
    hostname: str = "127.0.0.1"
    port: int = 29340
    captions: bool = True
    caption_delivery: CaptionDelivery = "thread"
    events_per_second: float = 10.0
    room_events_per_minute: int = 20
    """Events in one live space's room, besides captions and expired reactions."""
    redactions_per_minute: int = 60
    timezone: str = "UTC"
    invitations_per_minute: int = 120
    strangers_per_day: int = 5
    invitations_per_inviter: int = 50
    """Invitations a day; telling followers is counted apart."""
    invitations_per_person: int = 20
    """Invitations a day, from everybody together."""
    moderators_room: str = ""
    """The moderators' room by id or alias; empty: there is none."""
    policy_lists: tuple[str, ...] = ()
    room_version: str | None = None
    """The version of the rooms we make; None: the homeserver's own choice."""
    call_stage: StageAccess = "off"
    """Who may be a member of the call in a live space's room; off: there is no call."""
    encrypts: bool = False
    """Whether the bot reads encrypted chats, so that it has keys."""
    livekit_url: str = ""
    """The WebSocket address of our SFU where clients name it; empty: at the authoriser's."""

    @property
    def answers_per_minute(self) -> int:
        """Answers a minute to commands in a live space's room, within the events it is allowed."""
        return max(1, int(self.room_events_per_minute * ANSWERS_SHARE))

    @property
    def answers_to_hosts_per_minute(self) -> int:
        """Answers a minute up to which hosts and co-hosts, unlike a crowd, get theirs there."""
        return max(1, int(self.room_events_per_minute * ANSWERS_TO_HOSTS_SHARE))

    @property
    def livekit_service_url(self) -> str:
        """The address of our authoriser, which clients of a call ask for tokens (MSC4195)."""
        return f"{self.page_base}/livekit"

    @property
    def own_sfus(self) -> tuple[str, ...]:
        """The addresses by which clients name our SFU as theirs."""
        return tuple(url for url in (self.livekit_service_url, self.livekit_url) if url)

    @property
    def zone(self) -> tzinfo:
        """The time zone of times that people write without one; UTC needs no zone table."""
        return UTC if self.timezone == "UTC" else ZoneInfo(self.timezone)

    @property
    def bot(self) -> UserId:
        """The bot's user id."""
        return UserId(f"@{self.bot_localpart}:{self.domain}")

    @property
    def verify_page(self) -> str:
        """The address of the page with the bot's keys; a ticket behind it shows a code."""
        return f"{self.page_base}/verify"

    def is_ghost(self, user: str) -> bool:
        """Return whether the user id is a ghost's (a guest's)."""
        return user.startswith("@spaces_") and user.endswith(f":{self.domain}")

    def is_ours(self, user: str) -> bool:
        """Return whether the user id is the bot's or a ghost's."""
        return user == self.bot or self.is_ghost(user)

    def page(self, slug: str) -> str:
        """Return the address of a live space's page."""
        return f"{self.page_base}/s/{slug}"

    def alias(self, slug: str) -> str:
        """Return the alias of a live space's room."""
        return room_alias(slug, self.domain)
