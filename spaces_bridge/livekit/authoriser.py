"""The authoriser of calls: who gets a token, by the word of their own homeserver and of ours.

Whoever asks shows an OpenID token; its server says whose it is. The live space decides whether
that person may join its call. What they may do there is decided again at each moment: a token is
a way in, never the floor. Source: MSC4195.
"""

import contextlib
import hashlib
import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Final

from spaces_bridge.app.call_ports import RoomSecrecy
from spaces_bridge.app.errors import AdapterError
from spaces_bridge.app.ports import Identities
from spaces_bridge.app.usecases.calls import (
    CallPermit,
    Calls,
    CallToken,
    CallTokenIssuer,
    DelayedLeaves,
)
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import UserId
from spaces_bridge.livekit.errors import CallError
from spaces_bridge.livekit.requests import CallRequest
from spaces_bridge.livekit.turns import NoTurn, Turns
from spaces_bridge.pacing.token_bucket import TokenBuckets

ADDRESS_BURST, ADDRESS_PER_S = 120, 4.0
"""Requests of one network: a join takes up to four, and many people may sit behind one address."""

USER_BURST, USER_PER_S = 30, 0.5
"""Requests of one person: five devices that join at once, and try again."""

WRONG_BURST, WRONG_PER_S = 20, 1 / 3
"""Tokens of nobody that one network may show, then one every three seconds."""

PAUSE_S: Final = 5
"""Seconds to wait that people are told who ask too often."""

AT_ONCE, WAITING, WAIT_S = 6, 200, 10.0
"""Questions to one homeserver at once, those that wait for it, and for how long: when a live
space starts, all people of one server come in one moment."""

SHOWN_KEPT_S = 3600.0
"""Seconds that an OpenID token may be valid at its server, and is remembered for its device."""

SHOWN_KEPT = 20_000


class Authoriser:
    """The authoriser: it gives tokens for calls and takes in delegated delayed leaves."""

    def __init__(
        self,
        calls: Calls,
        identities: Identities,
        secrecy: RoomSecrecy,
        tokens: CallTokenIssuer,
        leaves: DelayedLeaves,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._calls = calls
        self._identities = identities
        self._secrecy = secrecy
        self._tokens = tokens
        self._leaves = leaves
        self._addresses = TokenBuckets(ADDRESS_BURST, ADDRESS_PER_S, clock)
        self._users = TokenBuckets(USER_BURST, USER_PER_S, clock)
        self._wrong = TokenBuckets(WRONG_BURST, WRONG_PER_S, clock)
        self._turns = Turns(AT_ONCE, WAITING, WAIT_S)
        self._shown = ShownOnce(clock)
        self.refused: Counter[str] = Counter()
        """The refused requests, by reasons: codes of our rules, or errcodes of Matrix."""

    async def token(self, asked: CallRequest, address: str) -> CallToken:
        """Return a token for who asks from this network. Raises CallError, Rejected.

        A delegation that goes with the request is tried, and never costs the token: without it
        people could not join, and their homeserver sends the leave by itself, if late.
        """
        permit = await self._permit(asked, address)
        if asked.delegation is not None:
            with contextlib.suppress(AdapterError, Rejected):
                await self._keep(permit, asked)
        return self._tokens.issue(permit, asked.device, asked.member)

    async def delegate(self, asked: CallRequest, address: str) -> None:
        """Take in the delayed leave of the request.

        Raises CallError, Rejected, and AdapterError: its homeserver cannot be asked.
        """
        await self._keep(await self._permit(asked, address), asked)

    async def _keep(self, permit: CallPermit, asked: CallRequest) -> None:
        if asked.delegation is not None:
            await self._leaves.delegate(
                permit,
                asked.device,
                asked.member,
                asked.delegation.delay_id,
                asked.delegation.delay_ms,
            )

    async def _permit(self, asked: CallRequest, address: str) -> CallPermit:
        try:
            return await self._judged(asked, address)
        except CallError as refusal:
            self.refused[refusal.errcode] += 1
            raise
        except Rejected as refusal:
            self.refused[refusal.code] += 1
            raise
        except AdapterError:
            self.refused["outage"] += 1
            raise

    async def _judged(self, asked: CallRequest, address: str) -> CallPermit:
        user = await self._user_of(asked, address)
        if asked.claimed is not None and asked.claimed != user:
            raise CallError.forbidden("The OpenID token is of another user than the member's.")
        if not self._users.take(user):
            raise CallError.too_many(PAUSE_S)
        permit = await self._calls.permit_in(asked.room, user)
        if await self._secrecy.is_encrypted(asked.room):
            raise Rejected(
                "encrypted",
                "The room is encrypted, so its calls are, too, and nobody would hear anybody. "
                "Ask the host for a live space in a room without encryption.",
            )
        return permit

    async def _user_of(self, asked: CallRequest, address: str) -> UserId:
        """Return the user whose token the request shows, by the word of their own server."""
        # looked at before it is taken: who only shows wrong tokens costs no server a question
        if not self._addresses.take(address) or not self._wrong.has(address):
            raise CallError.too_many(PAUSE_S)
        shown = hashlib.sha256(f"{asked.server} {asked.secret}".encode()).digest()
        if not self._shown.fits(shown, asked.room, asked.device):
            raise _shown_elsewhere()
        user = await self._verified(asked, address)
        if user is None:
            raise CallError.unauthorised(
                "Your homeserver did not confirm the OpenID token. Ask it for a new one."
            )
        if not self._shown.note(shown, asked.room, asked.device):
            raise _shown_elsewhere()
        return user

    async def _verified(self, asked: CallRequest, address: str) -> UserId | None:
        """Return the user that the server names, None: nobody, or another server's user.

        It costs an allowance for wrong tokens, which is given back unless the token was wrong:
        however many are shown at once, no more are asked about.
        """
        try:
            async with self._turns.one(asked.server):
                if not self._wrong.take(address):
                    raise CallError.too_many(PAUSE_S)
                try:
                    user = await self._identities.verify(asked.server, asked.secret)
                except AdapterError:
                    self._wrong.give_back(address)
                    raise
        except (NoTurn, AdapterError):
            raise CallError.away(
                "Your homeserver could not be asked who you are. Try again in a moment."
            ) from None
        # said by the verifier, too: nobody speaks for another server's users
        if user is None or user.partition(":")[2] != asked.server:
            return None
        self._wrong.give_back(address)
        return user


class ShownOnce:
    """The OpenID tokens that were shown, as hashes, each for the one room and device it is for.

    A client shows the same one again for its next token. Whoever else got hold of it, such as
    the service of another room, gets nothing for it here.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._shown: OrderedDict[bytes, tuple[float, str, str]] = OrderedDict()

    def fits(self, shown: bytes, room: str, device: str) -> bool:
        """Return whether the token is new, or was shown for the same before."""
        oldest = self._clock() - SHOWN_KEPT_S
        while self._shown and next(iter(self._shown.values()))[0] < oldest:
            self._shown.popitem(last=False)
        known = self._shown.get(shown)
        return known is None or known[1:] == (room, device)

    def note(self, shown: bytes, room: str, device: str) -> bool:
        """Remember a token that its server confirmed; return whether it still fits.

        The oldest goes when there are too many.
        """
        if not self.fits(shown, room, device):
            return False  # shown for something else while its server was asked
        self._shown.setdefault(shown, (self._clock(), room, device))
        if len(self._shown) > SHOWN_KEPT:
            self._shown.popitem(last=False)
        return True


def _shown_elsewhere() -> CallError:
    return CallError.unauthorised(
        "This OpenID token was shown for another room or device. Ask your homeserver for a new "
        "one."
    )
