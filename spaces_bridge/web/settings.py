"""The web adapter's settings."""

from dataclasses import dataclass, field

from yarl import URL


@dataclass(frozen=True, slots=True)
class WebSettings:
    """The settings of the web adapter and its two listeners.

    `port` and `ops_port` may be 0: a free one is taken. `frame_ancestors` are origins whose
    pages may embed ours (Element, for the widget). `trusted_proxies` are networks whose
    `X-Forwarded-For` or `Forwarded` is believed, for rate limits only. `admin_token` is the
    bearer token of the admin API; when it is empty, there is no admin API. `bot` is the bot's
    user id: no guest may have its name, and nobody may come in by it. `guest_chat` says that
    guests may write, too. `http_listeners_max` is the number of streams of `live.ogg` at the
    same time.
    """

    hostname: str = "127.0.0.1"
    port: int = 29341
    public_url: str = "https://spaces.example.com"
    path_prefix: str = ""
    frame_ancestors: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = ("127.0.0.0/8", "::1/128")
    ops_hostname: str = "127.0.0.1"
    ops_port: int = 29342
    bot: str = ""
    guest_chat: bool = False
    http_listeners_max: int = 1000
    admin_token: str = field(default="", repr=False)

    @property
    def origin(self) -> str:
        """Return scheme, host and port of the public address, as browsers send them in `Origin`.

        Browsers leave out the scheme's own port and write the host in ASCII (IDNA).
        """
        return str(URL(self.public_url).origin())

    @property
    def base_url(self) -> str:
        """Return the address of the directory page, without a closing slash."""
        return self.public_url.rstrip("/") + self.path_prefix

    def page(self, slug: str) -> str:
        """Return the public address of a live space's page."""
        return f"{self.base_url}/s/{slug}"
