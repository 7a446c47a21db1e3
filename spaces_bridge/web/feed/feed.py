"""The live feed of one page: a WebSocket with JSON frames.

A private live space and one that does not exist look the same until a token is shown, and tokens
come in the first frame, never in an address. So every well-formed upgrade is accepted, and the
refusal comes afterwards: an `error` frame `not_found` and close code 4404. People who were
removed, and guests where they are off, get 4403; newcomers to a locked one get 4423 and may try
later; 4401 means that a link, or a widget's OpenID token, is not valid (any more).
"""

import asyncio
import json
import logging
from dataclasses import replace
from http import HTTPStatus
from typing import Self

from aiohttp import WSCloseCode, WSMsgType, web

from spaces_bridge.app.errors import AdapterError
from spaces_bridge.app.records import Token
from spaces_bridge.app.tally import Tally
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.display_names import prepare
from spaces_bridge.core.errors import Rejected, TellsPeople
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.core.sentences import Sentence, Value
from spaces_bridge.pacing.token_bucket import TokenBuckets
from spaces_bridge.web import views
from spaces_bridge.web.access.openid import OpenIdAccess
from spaces_bridge.web.access.page_access import PageAccess
from spaces_bridge.web.feed import verbs
from spaces_bridge.web.feed.acts import Acts
from spaces_bridge.web.feed.channel import Client
from spaces_bridge.web.feed.guest_names import name_from, tell_if_hidden
from spaces_bridge.web.feed.hub import Hub
from spaces_bridge.web.feed.line import FrameSender
from spaces_bridge.web.feed.outgoing import as_json
from spaces_bridge.web.feed.people import PeopleHere
from spaces_bridge.web.feed.verbs import Frame, Refusal, misshapen
from spaces_bridge.web.problems import Problem, close_code, unavailable
from spaces_bridge.web.settings import WebSettings
from spaces_bridge.web.views import You

log = logging.getLogger(__name__)

AUTH_WITHIN_S = 10.0
FRAME_MAX = 16 * 1024
HEARTBEAT_S = 25.0
PERSON_BURST, PERSON_PER_S = 10, 5
"""Frames that one person may send."""

CROWD_BURST, CROWD_PER_S = 200, 50
"""Frames that the guests of one network, named or not, may send together."""

GUESTS_BURST, GUESTS_PER_S = 30, 0.5
"""New guests with a name that one network may bring."""


class _Refused(TellsPeople):
    """The refusal of a first frame, with the close code that ends the connection."""

    def __init__(self, close: int, code: str, template: str, /, **values: Value) -> None:
        super().__init__(code, template, **values)
        self.close = close

    @classmethod
    def saying(cls, close: int, said: Sentence) -> Self:
        """Return a refusal with the code and words of an existing sentence."""
        return cls(close, said.code, said.template, **said.values)


class Feed:
    """The feed's handler: serves `GET /s/SLUG/feed`."""

    def __init__(
        self,
        settings: WebSettings,
        access: PageAccess,
        hub: Hub,
        acts: Acts,
        tally: Tally,
        openid: OpenIdAccess,
    ) -> None:
        prepare()
        self._origin = settings.origin
        self._bot = settings.bot
        self._access = access
        self._spaces = access.spaces
        self._hub = hub
        self._acts = acts
        self._present = PeopleHere(hub, access.spaces.context.followers)
        self._tally = tally
        self._openid = openid
        self._people = TokenBuckets(PERSON_BURST, PERSON_PER_S)
        self._crowds = TokenBuckets(CROWD_BURST, CROWD_PER_S)
        self._guests = TokenBuckets(GUESTS_BURST, GUESTS_PER_S)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one connection from its upgrade to its end."""
        await self._refuse_others(request)
        with self._access.feeds.one(self._access.addresses.of(request)):
            return await self._serve(request)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(
            max_msg_size=FRAME_MAX, heartbeat=HEARTBEAT_S, compress=False, timeout=2.0
        )
        await socket.prepare(request)
        address = self._access.addresses.of(request)
        try:
            frame = await _first_frame(socket)
            space, you, session = await self._admit(request.match_info["slug"], frame, address)
        except _Refused as refused:
            await _refuse(socket, refused)
            return socket
        await self._follow(request, socket, space, you, session, address)
        return socket

    async def _refuse_others(self, request: web.Request) -> None:
        origin = request.headers.get("Origin")
        if origin is not None and origin.lower() != self._origin:
            text = "The feed is for this server's own pages; other programs send no Origin."
            raise Problem(HTTPStatus.FORBIDDEN, "wrong_origin", text)
        if request.headers.get("Upgrade", "").lower() != "websocket":
            await self._access.from_request(request)
            text = "This address speaks WebSocket only."
            raise Problem(HTTPStatus.UPGRADE_REQUIRED, "websocket_only", text)

    # --- coming in ----------------------------------------------------------------------------

    async def _admit(
        self, slug: str, frame: Frame, address: str
    ) -> tuple[LiveSpace, You, str | None]:
        secret, name = _text(frame, "token"), _text(frame, "name")
        openid = frame.get("openid")
        try:
            if openid is not None and not secret:
                return await self._openid.enter(slug, openid, address)
            token = await self._access.identify(secret, address) if secret else None
            space = await self._access.enter(slug, token, address)
            if secret:
                you = _holder(space, token)
                you = await self._following(space, you)
                self._access.admit(space, token)
                return space, you, secret
            self._access.admit(space, None)
            if name and space.phase is not Phase.ENDED:
                guest = await self._new_guest(space, name, address)
                self._access.admit(space, None)  # again, as the calls before took time
                return space, *guest
            return space, You(), None
        except Problem as problem:
            raise _Refused.saying(close_code(problem), problem.said) from None
        except AdapterError:
            raise _Refused.saying(WSCloseCode.TRY_AGAIN_LATER, unavailable().said) from None

    async def _following(self, space: LiveSpace, you: You) -> You:
        if you.user is None or you.guest:
            return you
        follows = await self._spaces.context.followers.follows(space.host, you.user)
        return replace(you, follows_host=follows)

    async def _new_guest(self, space: LiveSpace, text: str, address: str) -> tuple[You, str]:
        try:
            name = name_from(text, space, self._bot)
        except Rejected as rejected:
            raise _Refused.saying(4400, rejected.said) from None
        if not self._guests.take(address):
            raise _Refused(4429, "too_many_guests", "Too many guests at once. Wait a minute.")
        user = self._access.sessions.guest_id()
        secret = await self._access.sessions.mint(space.space, user, name, guest=True)
        return You(user, name, guest=True), secret

    # --- following ----------------------------------------------------------------------------

    async def _follow(
        self,
        request: web.Request,
        socket: web.WebSocketResponse,
        space: LiveSpace,
        you: You,
        session: str | None,
        address: str,
    ) -> None:
        line = FrameSender(request, socket)
        client = Client(you, line.outgoing)
        now = self._spaces.view(space.space) or space
        self._hub.join(now, client, session)
        tell_if_hidden(client, now)
        writer = asyncio.create_task(line.run())
        try:
            await self._read(socket, client, space, address)
        finally:
            self._hub.leave(space.space, client)
            client.outgoing.close(WSCloseCode.GOING_AWAY, "")
            await writer

    async def _read(
        self, socket: web.WebSocketResponse, client: Client, space: LiveSpace, address: str
    ) -> None:
        person = client.you.user or id(client)
        async for message in socket:
            if client.outgoing.closing is not None:
                return  # sent away: frames that were on their way are not obeyed any more
            if not self._people.take(person) or (
                client.you.guest and not self._crowds.take(address)
            ):
                client.error(too_fast().said)
                continue
            try:
                await self._obey(_parsed(message.data), client, space)
            except (Refusal, Rejected) as refusal:
                client.error(refusal.said)
            except AdapterError as error:
                log.warning("what a page asked for failed: %s", type(error).__name__)
                client.error(unavailable().said)

    async def _obey(self, frame: Frame, client: Client, joined: LiveSpace) -> None:
        space = self._spaces.view(joined.space) or joined
        self._note_sign_of_life(space, client.you)
        if frame.get("type") == "react":
            self._tally.count(space.space, verbs.reaction_of(frame))
        elif frame.get("type") == "people":
            client.send(await self._present.answer(frame, client.you, space))
        elif self._acts.knows(frame):
            told = await self._acts.do(frame, client.you, space)
            if told is not None:
                client.notice(told)
        else:
            await self._command(frame, client.you, space)
            if frame.get("type") == "hand" and frame.get("raised") is True:
                tell_if_hidden(client, space)

    async def _command(self, frame: Frame, you: You, space: LiveSpace) -> None:
        command = verbs.command_of(frame, you, self._spaces.context.clock.now_ms())
        if isinstance(command, cmd.OpenMicrophone) and not self._has_microphone(space, command):
            raise Refusal("no_microphone", "Turn on your microphone first.")
        await self._spaces.ask(space.space, command)

    def _note_sign_of_life(self, space: LiveSpace, you: You) -> None:
        if you.user == space.host and space.host_left_page:
            self._spaces.tell(space.space, cmd.NoteHostBack(space.host))

    def _has_microphone(self, space: LiveSpace, command: cmd.OpenMicrophone) -> bool:
        return self._spaces.context.stage.has_microphone(space.space, command.by)


def too_fast() -> Refusal:
    """Return the refusal for somebody who sends more frames than a person would."""
    return Refusal("too_fast", "That was too fast. Wait a moment.")


def _text(frame: Frame, key: str) -> str:
    value = frame.get(key)
    return value.strip() if isinstance(value, str) else ""


def _holder(space: LiveSpace, token: Token | None) -> You:
    if token is None or token.space != space.space:
        text = "This link is not valid any more. You can listen without it."
        raise _Refused(4401, "token_unknown", text)
    name = token.name if token.guest else space.person(token.user).name or token.name
    return You(token.user, name, guest=token.guest)


async def _first_frame(socket: web.WebSocketResponse) -> Frame:
    try:
        # not receive's own timeout, which each ping would begin anew
        async with asyncio.timeout(AUTH_WITHIN_S):
            message = await socket.receive()
    except TimeoutError:
        raise _Refused(4408, "auth_late", "The first frame did not come in time.") from None
    if message.type is not WSMsgType.TEXT:
        raise _Refused.saying(4400, misshapen("the first frame must be JSON text").said)
    try:
        frame = _parsed(message.data)
    except Refusal as refusal:
        raise _Refused.saying(4400, refusal.said) from None
    if frame.get("type") != "auth":
        raise _Refused(4400, "auth_first", "The first frame must be “auth”.")
    return frame


def _parsed(data: object) -> Frame:
    try:
        frame = json.loads(data) if isinstance(data, str) else None
    except (ValueError, RecursionError):
        frame = None
    if not isinstance(frame, dict):
        raise misshapen("a frame must be a JSON object")
    return frame


async def _refuse(socket: web.WebSocketResponse, refused: _Refused) -> None:
    if not socket.closed:
        await socket.send_str(as_json(views.error_view(refused.said)))
    await socket.close(code=refused.close, message=refused.code.encode())
