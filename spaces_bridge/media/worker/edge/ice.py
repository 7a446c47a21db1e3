"""ICE-lite (RFC 8445) for one peer: which datagrams are its, and where its packets go.

Two rules keep the edge from being turned against others. Nothing but an answer is ever sent to
an address that no signed request came from. And a connected peer is followed to a new address
only after somebody there has answered a signed request of ours.
"""

import secrets
import string
from dataclasses import dataclass, field

from spaces_bridge.media.worker.edge import stun
from spaces_bridge.media.worker.edge.allowance import forgeries
from spaces_bridge.media.worker.edge.paths import Path
from spaces_bridge.media.worker.edge.stun import StunMessage
from spaces_bridge.pacing.token_bucket import TokenBucket

MAX_PATHS = 8
_STALE_S = 30.0  # an unused path of this age makes room for a new one
_QUIET_S = 6.0  # clients check the path they use every 2.5 to 6 s
_ASK_AGAIN_S = 0.5
_LETTERS = string.ascii_letters + string.digits


def new_credentials() -> tuple[str, str]:
    """Make a random ICE user name fragment (which finds the peer) and a password."""
    return _random(12), _random(24)


def _random(size: int) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(size))


@dataclass(slots=True)
class _Known:
    heard_at: float
    proven: bool
    wanted: bool = False  # the client uses this path now; we follow as soon as it is proven
    asked: bytes | None = None
    asked_at: float = 0.0


@dataclass(slots=True)
class Ice:
    """The ICE state of one peer: both sides' credentials, its known paths, the selected one."""

    local_ufrag: str
    local_pwd: str
    remote_ufrag: str
    remote_pwd: str
    selected: Path | None = None
    connected: bool = False  # before that, paths need no proof: DTLS is the proof
    _paths: dict[Path, _Known] = field(default_factory=dict)
    _checks: TokenBucket = field(default_factory=lambda: TokenBucket(rate=50, burst=150))
    """Clients send a check in 20 ms while they look for a path (RFC 8445, 14), later in 2.5 s."""
    _new_paths: TokenBucket = field(default_factory=lambda: TokenBucket(rate=0.2, burst=16))
    _moves: TokenBucket = field(default_factory=lambda: TokenBucket(rate=0.5, burst=8))
    """Each move makes the next tick lay out its receivers anew, which costs more in a crowd."""
    _forged: TokenBucket = field(default_factory=forgeries)

    def request(self, message: StunMessage, path: Path, now: float) -> str | None:
        """Answer a binding request if it is good; return the reason if it is refused."""
        name = f"{self.local_ufrag}:{self.remote_ufrag}"
        if not self.remote_ufrag or message.username != name:  # both halves: others know ours
            return "stun_user"
        if not self._forged.has(1, now) or not message.signed_with(self.local_pwd):
            self._forged.take(1, now)
            return "stun_integrity"
        if not self._checks.take(1, now):
            return "stun_too_much"
        known = self._paths.get(path) or self._admit(path, now)
        if known is None:
            return "too_many_paths"
        known.heard_at = now
        path.send(stun.success(message, path.address, self.local_pwd))
        if message.nominates or self._selected_is_quiet(now):
            self.follow(path, now)
        return None

    def response(self, message: StunMessage, path: Path, now: float) -> bool:
        """Take the answer to our own request; return False if the message is none."""
        known = self._paths.get(path)
        if known is None or known.asked is None or message.transaction != known.asked:
            return False
        if not message.signed_with(self.remote_pwd):
            return False
        known.asked, known.proven, known.heard_at = None, True, now
        if known.wanted:
            self._select(path, now)
        return True

    def heard(self, path: Path, now: float) -> None:
        """Note an authenticated packet: clients send media only on the path they use."""
        known = self._paths.get(path)
        if known is not None:
            known.heard_at = now
            if path is not self.selected:
                self.follow(path, now)

    def follow(self, path: Path, now: float) -> None:
        """Select `path`, or find out first whether the client really is there."""
        known = self._paths[path]
        if path is self.selected:
            return
        if known.proven or not self.connected:
            self._select(path, now)
            return
        known.wanted = True
        if known.asked is None or now - known.asked_at > _ASK_AGAIN_S:
            known.asked, known.asked_at = stun.new_transaction(), now
            name = f"{self.remote_ufrag}:{self.local_ufrag}"
            path.send(stun.request(name, self.remote_pwd, known.asked))

    def established(self, path: Path) -> None:
        """Note that the DTLS handshake over `path` is done, which proves the path."""
        self.connected = True
        if path in self._paths:
            self._paths[path].proven = True

    def resume(self, path: Path, now: float) -> None:
        """Go on with a path that was in use before a restart."""
        self._paths[path] = _Known(now, proven=True)
        self.selected = path

    def restart(self, ufrag: str, pwd: str, remote_ufrag: str, remote_pwd: str) -> None:
        """Take new credentials of both sides (RFC 8445, 9); the paths stay until new ones come."""
        self.local_ufrag, self.local_pwd = ufrag, pwd
        self.remote_ufrag, self.remote_pwd = remote_ufrag, remote_pwd

    def forget(self, path: Path) -> None:
        """Forget a path that is gone (a TCP connection was closed)."""
        self._paths.pop(path, None)
        if self.selected is path:
            self.selected = None

    def forget_all(self) -> None:
        """Forget all paths: the peer is gone."""
        for path in self._paths:
            path.forget()
        self._paths.clear()
        self.selected = None

    def _select(self, path: Path, now: float) -> None:
        if self.connected and self.selected is not None and not self._moves.take(1, now):
            return  # the peer will be heard on the new path again, and be followed then
        for known in self._paths.values():
            known.wanted = False
        self.selected = path

    def _selected_is_quiet(self, now: float) -> bool:
        if self.selected is None:
            return True
        return now - self._paths[self.selected].heard_at > _QUIET_S

    def _admit(self, path: Path, now: float) -> _Known | None:
        if not self._new_paths.has(1, now):
            return None
        if len(self._paths) >= MAX_PATHS and not self._make_room(now):
            return None
        self._new_paths.take(1, now)
        known = self._paths[path] = _Known(now, proven=path.proven)
        return known

    def _make_room(self, now: float) -> bool:
        others = [path for path in self._paths if path is not self.selected]
        oldest = min(others, key=lambda path: self._paths[path].heard_at)
        if now - self._paths[oldest].heard_at < _STALE_S:
            return False
        del self._paths[oldest]
        oldest.forget()
        return True
