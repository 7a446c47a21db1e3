"""What people tell the bot in words, and its answers. Every command is answered."""

from collections.abc import Callable
from dataclasses import dataclass

from spaces_bridge.app import wishes as wish
from spaces_bridge.app.ports import Clock, Outbox
from spaces_bridge.core import commands as cmd
from spaces_bridge.core import events as ev
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.matrix import people
from spaces_bridge.matrix.archive import Archive
from spaces_bridge.matrix.client import MatrixClient
from spaces_bridge.matrix.commands import (
    PREFIX,
    Misunderstood,
    Request,
    parse,
    parse_creation,
)
from spaces_bridge.matrix.dms import DirectRooms
from spaces_bridge.matrix.doors import SpacesDoor
from spaces_bridge.matrix.help_texts import help_text
from spaces_bridge.matrix.names import tidy
from spaces_bridge.matrix.settings import MatrixSettings
from spaces_bridge.matrix.translate import Said

INVITES_AT_ONCE = 10
LISTED_MAX = 10

MayHost = Callable[[UserId], bool]


@dataclass(frozen=True, slots=True)
class _Heard:
    """A command as it was given."""

    said: Said
    request: Request
    here: LiveSpace | None
    """The live space, open or ended, in whose room it was given."""


class Conversation:
    """Understands commands, asks the live spaces, answers in the room."""

    def __init__(
        self,
        bot: MatrixClient,
        spaces: SpacesDoor,
        archive: Archive,
        dms: DirectRooms,
        outbox: Outbox,
        settings: MatrixSettings,
        clock: Clock,
        may_host: MayHost,
    ) -> None:
        self._bot = bot
        self._outbox = outbox
        self._spaces = spaces
        self._archive = archive
        self._dms = dms
        self._settings = settings
        self._clock = clock
        self._may_host = may_host

    async def hear(self, said: Said) -> None:
        """Answer if it was meant for the bot. Raises AdapterError when something is away."""
        here = self._spaces.by_room(said.room)
        past = await self._archive.space_of(said.room) if here is None else None
        direct = here is None and past is None and await self._dms.is_direct(said.room)
        request = parse(said.text, direct=direct)
        if request is None:
            return
        if past is not None:
            here = await self._spaces.find(past)
        try:
            if isinstance(request, Misunderstood):
                raise Rejected("misunderstood", request.text)
            answer, ok = await self._obey(_Heard(said, request, here)), True
        except Rejected as refusal:
            answer, ok = refusal.text, False
        reply = wish.Reply(said.room, said.event, answer, ok)
        await self._spaces.wish(reply, f"reply:{said.event}")

    async def _obey(self, heard: _Heard) -> str:  # noqa: C901 - one call per verb
        match heard.request.verb:
            case "create":
                return await self._create(heard)
            case "start":
                return await self._start(heard)
            case "end":
                return await self._end(heard)
            case "speak":
                return await self._speak(heard)
            case "cancel":
                return await self._cancel(heard)
            case "approve":
                return await self._approve(heard)
            case "deny":
                return await self._deny(heard)
            case "demote":
                return await self._demote(heard)
            case "invite":
                return await self._invite(heard)
            case "link":
                return await self._link(heard)
            case "live":
                return self._live()
            case _:
                return self._help(heard)

    # --- a live space's life -------------------------------------------------------------------

    async def _create(self, heard: _Heard) -> str:
        said = heard.said
        if not self._may_host(said.sender):
            raise Rejected(
                "may_not_host", "You may not host here. Ask the admin of this server for it."
            )
        creation = parse_creation(heard.request.argument)
        if isinstance(creation, Misunderstood):
            raise Rejected("misunderstood", creation.text)
        identity, slug = self._spaces.new_identity(creation.title, said.event)
        community = heard.here is None and not await self._dms.is_direct(said.room)
        space = await self._spaces.create(
            cmd.CreateSpace(
                space=identity,
                slug=slug,
                title=creation.title,
                by=said.sender,
                host_name=tidy(await self._bot.display_name(said.sender), said.sender),
                at_ms=self._clock.now_ms(),
                private=creation.private,
                speak_policy=creation.speak_policy,
                levels=self._settings.levels,
                max_speakers=self._settings.max_speakers,
                language=self._settings.language,
                captions=self._settings.captions,
                community=said.room if community else None,
            ),
            said.event,
        )
        return (
            f"“{space.title}” is ready: {self._settings.page(space.slug)}\n"
            f"Accept my invitation to its room {self._settings.alias(space.slug)}; "
            f"when you are all set, write `{PREFIX} start` there."
        )

    async def _start(self, heard: _Heard) -> str:
        space = await self._which(
            heard, lambda s: s.phase is Phase.SCHEDULED and s.host == heard.said.sender
        )
        command = cmd.StartSpace(heard.said.sender, self._clock.now_ms())
        await self._spaces.ask(space.space, command, heard.said.event)
        return (
            f"“{space.title}” is live: {self._settings.page(space.slug)}\n"
            f"To speak, open your personal link (`{PREFIX} link`) and switch your microphone on."
        )

    async def _end(self, heard: _Heard) -> str:
        space = await self._which(heard, lambda s: s.host == heard.said.sender)
        command = cmd.EndSpace(heard.said.sender, self._clock.now_ms())
        try:
            await self._spaces.ask(space.space, command, heard.said.event)
        except Rejected:
            # Heard again after a restart: nobody may have been told that it worked.
            if not await self._archive.took_effect(space.space, heard.said.event):
                raise
        return f"“{space.title}” has ended. Thank you!"

    # --- the floor ------------------------------------------------------------------------------

    async def _speak(self, heard: _Heard) -> str:
        space = await self._which(heard, lambda s: _is_here(s, heard.said.sender))
        command = cmd.RequestToSpeak(heard.said.sender, self._clock.now_ms())
        events = await self._spaces.ask(space.space, command, heard.said.event)
        if any(isinstance(event, ev.SpeakerApproved) for event in events):
            return "The floor is yours in a moment: I write to you as soon as it is."
        after = self._spaces.view(space.space) or space
        waiting = [hand.user for hand in after.hands]
        if heard.said.sender not in waiting:
            return "Your hand is up."
        return f"Your hand is up, number {waiting.index(heard.said.sender) + 1} in the queue."

    async def _cancel(self, heard: _Heard) -> str:
        sender = heard.said.sender
        space = await self._which(heard, lambda s: sender in s.requests)
        await self._spaces.ask(space.space, cmd.CancelRequest(sender), heard.said.event)
        return "Your hand is down."

    async def _approve(self, heard: _Heard) -> str:
        space = await self._which(heard, lambda s: heard.said.sender in s.moderators)
        user = await self._whom(space, heard, people.asking)
        command = cmd.ApproveSpeaker(heard.said.sender, user)
        await self._spaces.ask(space.space, command, heard.said.event)
        return f"The floor goes to {people.shown(space, user)}."

    async def _deny(self, heard: _Heard) -> str:
        space = await self._which(heard, lambda s: heard.said.sender in s.moderators)
        user = await self._whom(space, heard, people.asking)
        command = cmd.DenySpeaker(heard.said.sender, user)
        await self._spaces.ask(space.space, command, heard.said.event)
        return f"Declined: {people.shown(space, user)} stays a listener."

    async def _demote(self, heard: _Heard) -> str:
        space = await self._which(heard, lambda s: heard.said.sender in s.moderators)
        user = await self._whom(space, heard, people.speaking)
        command = cmd.DemoteSpeaker(heard.said.sender, user)
        await self._spaces.ask(space.space, command, heard.said.event)
        return f"{people.shown(space, user)} is a listener again."

    # --- around it ------------------------------------------------------------------------------

    async def _invite(self, heard: _Heard) -> str:
        space = await self._which(heard, lambda s: _is_member(s, heard.said.sender))
        words = heard.request.argument.replace(",", " ").split()
        if len(words) > INVITES_AT_ONCE:
            raise Rejected("too_many", f"At most {INVITES_AT_ONCE} people at once, please.")
        users = [(word, people.user_id(word)) for word in dict.fromkeys(words)]
        strange = [word[:40] for word, user in users if user is None]
        if strange:
            raise Rejected(
                "no_user_id",
                f"{', '.join(strange)}: that is no Matrix ID. Write it like @ann:example.org.",
            )
        refused: list[str] = []
        for place, (_, user) in enumerate(users):
            if user is None or self._settings.is_ours(user):
                continue
            try:
                command = cmd.InvitePerson(heard.said.sender, user)
                await self._spaces.ask(space.space, command, f"{heard.said.event}/{place}")
            except Rejected as refusal:
                refused.append(f"{user}: {refusal.text}")
        if refused:
            raise Rejected("not_invited", "\n".join(refused))
        return "I write to them now."

    async def _link(self, heard: _Heard) -> str:
        space = await self._which(heard, lambda s: _is_member(s, heard.said.sender))
        if space.phase is Phase.ENDED:
            raise Rejected("ended", "This live space has ended.")
        if not _is_member(space, heard.said.sender) and heard.said.sender != space.host:
            raise Rejected("not_joined", "Join the room first, then ask for your link.")
        wanted = wish.SendLink(space.space, heard.said.sender)
        await self._spaces.wish(wanted, f"link:{heard.said.event}")
        return "I send you your personal link by direct message."

    def _live(self) -> str:
        public = [s for s in self._spaces.open() if not s.private and s.room is not None]
        on = [s for s in public if s.phase is Phase.LIVE]
        soon = [s for s in public if s.phase is Phase.SCHEDULED]
        lines = [f"🔴 {self._listed(s)}" for s in on[:LISTED_MAX]]
        lines += [f"Soon: {self._listed(s)}" for s in soon[: LISTED_MAX - len(lines)]]
        return "\n".join(lines) or "Nothing is on right now."

    def _help(self, heard: _Heard) -> str:
        text = help_text(heard.request.argument)
        if text is None:
            raise Rejected("no_such_command", "There is no such command. `help` shows them all.")
        return text

    # --- which ----------------------------------------------------------------------------------

    async def _which(self, heard: _Heard, fits: Callable[[LiveSpace], bool]) -> LiveSpace:
        """The live space a command is about. Raises Rejected with the candidates."""
        if heard.here is not None:
            if heard.here.phase is Phase.ENDED and heard.request.verb != "end":
                raise Rejected("ended", "This live space has ended.")
            return heard.here
        found = [s for s in self._spaces.open() if fits(s)]
        # A command that is heard again after a crash is about what it was about the first time.
        note = f"which:{heard.said.event}"
        noted = await self._outbox.lookup(note)
        before = await self._spaces.find(SpaceId(noted)) if noted is not None else None
        if before is not None:
            return before
        if len(found) == 1:
            await self._outbox.remember(note, found[0].space)
            return found[0]
        if not found:
            raise Rejected(
                "which", "I see no live space this could be about. Write it in the room itself."
            )
        listed = "\n".join(f"• {self._listed(s)}" for s in found[:LISTED_MAX])
        raise Rejected("which", f"In which one? Write it in its room:\n{listed}")

    async def _whom(
        self, space: LiveSpace, heard: _Heard, find: Callable[[LiveSpace, str], UserId]
    ) -> UserId:
        """The person a command is about: numbers of the queue move on, so it is noted."""
        note = f"whom:{heard.said.event}"
        noted = await self._outbox.lookup(note)
        if noted is not None:
            return UserId(noted)
        user = find(space, heard.request.argument)
        await self._outbox.remember(note, user)
        return user

    def _listed(self, space: LiveSpace) -> str:
        door = f"https://matrix.to/#/{self._settings.alias(space.slug)}"
        return f"“{space.title}” {self._settings.page(space.slug)} · {door}"


def _is_member(space: LiveSpace, user: UserId) -> bool:
    return space.person(user).joined


def _is_here(space: LiveSpace, user: UserId) -> bool:
    return space.phase is Phase.LIVE and _is_member(space, user)
