"""The errors of homeserver calls. Spec: Client-Server API, "Standard error response"."""

from spaces_bridge.app.errors import AdapterError


class MatrixError(AdapterError):
    """The homeserver did not do what was asked."""


class Away(MatrixError):
    """The homeserver cannot be used now: no connection, no sense in the answer, or "slow down".

    Trying again may help. `retry_after_s` is the homeserver's own word on when; `unreached` means
    that nobody answered who speaks Matrix; `broken` that the homeserver answered with an error of
    its own (HTTP 500).
    """

    def __init__(
        self,
        text: str,
        *,
        retry_after_s: float | None = None,
        unreached: bool = False,
        broken: bool = False,
    ) -> None:
        super().__init__(text)
        self.retry_after_s = retry_after_s
        self.unreached = unreached
        self.broken = broken


class RequestRefused(MatrixError):
    """The homeserver refused the request for good (4xx with an `errcode`)."""

    def __init__(self, status: int, errcode: str, text: str) -> None:
        super().__init__(f"{status} {errcode}: {text}")
        self.status = status
        self.errcode = errcode
        self.text = text


class NotYetError(Exception):
    """The outbox task is to be tried again, in `after_s` seconds at the latest: no failure."""

    def __init__(self, after_s: float) -> None:
        super().__init__(f"not for {after_s:g} s")
        self.after_s = after_s
