"""The table of all commands: the parser, the help and docs/commands.md are made from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum

PREFIX = "!space"


class Takes(Enum):
    """The argument that a verb takes: none, an optional one, or one that must follow."""

    NOTHING = "nothing"
    OPTIONAL = "optional"
    ARGUMENT = "argument"


class AllowedTo(StrEnum):
    """The people allowed to give a command, in words for people; the core's rules decide."""

    ALLOWED = "whoever may host"
    HOST = "host"
    MODERATORS = "host, co-hosts"
    STAGE = "whoever has the floor"
    ROOM = "everybody in the room"
    ANYBODY = "anybody"


class HelpSection(StrEnum):
    """A section of help and documentation."""

    LIFE = "Your live space"
    FLOOR = "The floor"
    STAGE = "The stage"
    ACCESS = "The door"
    AROUND = "Around it"


@dataclass(frozen=True, slots=True)
class Verb:
    """A verb: one command. `does` ends the sentence that begins with `name`.

    `also`: what people try instead of `name`.
    """

    name: str
    section: HelpSection
    who: AllowedTo
    does: str
    argument: str = ""
    takes: Takes = Takes.NOTHING
    more: str = ""
    example: str = ""
    also: tuple[str, ...] = ()

    @property
    def usage(self) -> str:
        """The command as it is written, without the prefix."""
        return f"{self.name} {self.argument}".rstrip()

    @property
    def names_people(self) -> bool:
        """True when the argument begins with people."""
        return self.argument.lstrip("[").startswith("USER")


_PERSON = "USER is a Matrix ID, a name, or a number of the hand queue."
_TIMES = "`tomorrow 19:00`, `friday 7pm`, `2026-12-01 19:00 Europe/Berlin` or `in 2 hours`"

_LIFE = (
    Verb(
        "create",
        HelpSection.LIFE,
        AllowedTo.ALLOWED,
        "prepares a live audio room and invites you to it",
        "TITLE [--at TIME] [--private] [--speak POLICY]",
        Takes.ARGUMENT,
        f"TIME: {_TIMES}; without a zone it is yours, if your profile names it. `--private`: only "
        "people who are invited. POLICY: see `policy`. In a community's room it puts a small card "
        "there, too.",
        "create Bread and roses --at friday 19:00 --speak everyone",
        ("new", "open", "schedule", "host-space", "make"),
    ),
    Verb(
        "reschedule",
        HelpSection.LIFE,
        AllowedTo.HOST,
        "gives it another time, before it is live",
        "TIME",
        Takes.ARGUMENT,
        f"TIME: {_TIMES}. Everybody who asked for a reminder is told.",
        "reschedule tomorrow 20:00",
        ("move", "postpone", "delay"),
    ),
    Verb(
        "unschedule",
        HelpSection.LIFE,
        AllowedTo.HOST,
        "calls it off, before it is live",
        more="Everybody who asked for a reminder is told.",
        also=("call-off", "delete"),
    ),
    Verb("start", HelpSection.LIFE, AllowedTo.HOST, "goes live", also=("go", "begin", "golive")),
    Verb(
        "end",
        HelpSection.LIFE,
        AllowedTo.HOST,
        "ends it for everybody",
        also=("stop", "finish", "close"),
    ),
    Verb(
        "title",
        HelpSection.LIFE,
        AllowedTo.HOST,
        "gives it another title",
        "TEXT",
        Takes.ARGUMENT,
        example="title Bread, roses and wine",
        also=("rename", "name", "topic"),
    ),
    Verb(
        "policy",
        HelpSection.LIFE,
        AllowedTo.HOST,
        "says who gets the floor",
        "request|everyone|followed|invited",
        Takes.ARGUMENT,
        "`request`: people ask, you decide. `everyone`: the floor is given on asking while places "
        "are free. `followed`: the same for people the host follows, others ask. `invited`: only "
        "whom you `bring`.",
        "policy everyone",
        ("speak-policy",),
    ),
    Verb(
        "captions",
        HelpSection.LIFE,
        AllowedTo.HOST,
        "switches captions on or off, or names the language spoken",
        "on|off|LANG",
        Takes.ARGUMENT,
        "LANG: a code such as `en`, `de` or `pt`, or `auto`.",
        "captions pt",
        ("subtitles", "transcript", "language"),
    ),
    Verb(
        "record",
        HelpSection.LIFE,
        AllowedTo.HOST,
        "is not built yet: nothing is ever recorded",
        "on|off",
        Takes.OPTIONAL,
        also=("recording",),
    ),
)

_FLOOR = (
    Verb(
        "speak",
        HelpSection.FLOOR,
        AllowedTo.ROOM,
        "raises your hand",
        more="Tapping ✋ on the card does the same.",
        also=("hand", "raise", "ask", "request", "talk"),
    ),
    Verb(
        "cancel", HelpSection.FLOOR, AllowedTo.ROOM, "lowers your hand", also=("lower", "unraise")
    ),
    Verb(
        "accept",
        HelpSection.FLOOR,
        AllowedTo.ROOM,
        "takes the floor you were invited to",
        also=("yes",),
    ),
    Verb(
        "decline", HelpSection.FLOOR, AllowedTo.ROOM, "says no to speaking", also=("no", "refuse")
    ),
    Verb(
        "leave-stage",
        HelpSection.FLOOR,
        AllowedTo.STAGE,
        "gives up the floor; you go on listening",
        also=("leave", "stepdown", "step-down", "leavestage"),
    ),
    Verb(
        "queue",
        HelpSection.FLOOR,
        AllowedTo.ROOM,
        "shows whose hands are up, and your own place",
        "[arrival|airtime]",
        Takes.OPTIONAL,
        "Host and co-hosts may order it: `arrival`, first come first; `airtime`, who spoke least "
        "first.",
        also=("hands", "list"),
    ),
    Verb(
        "next",
        HelpSection.FLOOR,
        AllowedTo.MODERATORS,
        "gives the floor to the first in the queue",
    ),
    Verb(
        "clear-queue", HelpSection.FLOOR, AllowedTo.MODERATORS, "lowers all hands", also=("clear",)
    ),
    Verb(
        "approve",
        HelpSection.FLOOR,
        AllowedTo.MODERATORS,
        "gives the floor to somebody with a hand up",
        "USER",
        Takes.OPTIONAL,
        f"{_PERSON} While only one hand is up, USER may be left out.",
        "approve 1",
        ("allow", "grant", "admit"),
    ),
    Verb(
        "deny",
        HelpSection.FLOOR,
        AllowedTo.MODERATORS,
        "declines a raised hand",
        "USER",
        Takes.OPTIONAL,
        _PERSON,
        "deny 2",
        ("reject", "dismiss"),
    ),
)

_STAGE = (
    Verb(
        "bring",
        HelpSection.STAGE,
        AllowedTo.MODERATORS,
        "invites somebody in the room to speak",
        "USER",
        Takes.ARGUMENT,
        f"They are asked, and may say no. {_PERSON}",
        "bring Mia",
        ("promote", "add", "speaker", "pull"),
    ),
    Verb(
        "demote",
        HelpSection.STAGE,
        AllowedTo.MODERATORS,
        "takes the floor from a speaker",
        "USER",
        Takes.OPTIONAL,
        _PERSON,
        "demote Mia",
        ("unspeak", "down"),
    ),
    Verb(
        "mute",
        HelpSection.STAGE,
        AllowedTo.MODERATORS,
        "shuts a speaker's microphone until a moderator lifts it",
        "USER|all",
        Takes.ARGUMENT,
        f"`all`: every speaker but host and co-hosts. {_PERSON}",
        "mute all",
        ("silence", "muteall", "mute-all"),
    ),
    Verb(
        "unmute",
        HelpSection.STAGE,
        AllowedTo.MODERATORS,
        "lifts a mute; the microphone stays shut until its owner opens it",
        "USER",
        Takes.OPTIONAL,
        _PERSON,
        "unmute Mia",
    ),
    Verb(
        "volume",
        HelpSection.STAGE,
        AllowedTo.MODERATORS,
        "sets how loud a speaker is heard",
        "USER PERCENT|auto",
        Takes.ARGUMENT,
        "PERCENT: 0 to 200, of the sound as they send it. `auto`: as loud as everybody else, "
        f"which is where all begin. {_PERSON}",
        "volume Mia 80",
        ("loudness", "gain", "vol"),
    ),
    Verb(
        "cohost",
        HelpSection.STAGE,
        AllowedTo.HOST,
        "makes somebody in the room a co-host",
        "USER",
        Takes.ARGUMENT,
        f"Co-hosts approve, bring, mute, remove, block and pin. {_PERSON}",
        "cohost @mia:example.org",
        ("co-host", "mod", "moderator"),
    ),
    Verb(
        "uncohost",
        HelpSection.STAGE,
        AllowedTo.HOST,
        "makes a co-host a speaker again",
        "USER",
        Takes.OPTIONAL,
        _PERSON,
        "uncohost Mia",
        ("un-cohost", "unmod"),
    ),
    Verb(
        "host",
        HelpSection.STAGE,
        AllowedTo.HOST,
        "hands the live space over; you become a co-host",
        "USER",
        Takes.ARGUMENT,
        _PERSON,
        "host @mia:example.org",
        ("handover", "hand-over", "transfer"),
    ),
)

_ACCESS = (
    Verb(
        "chat",
        HelpSection.ACCESS,
        AllowedTo.MODERATORS,
        "lets listeners write in the room, or only those on the stage",
        "on|off",
        Takes.ARGUMENT,
        "Reactions and hands work either way.",
        "chat off",
    ),
    Verb(
        "guests",
        HelpSection.ACCESS,
        AllowedTo.MODERATORS,
        "says what people without an account may do",
        "off|listen|speak",
        Takes.ARGUMENT,
        "A removed guest can come back under another name: `guests off` is the answer to that.",
        "guests listen",
        ("guest",),
    ),
    Verb(
        "lock",
        HelpSection.ACCESS,
        AllowedTo.MODERATORS,
        "lets nobody new in; no hands, no chat of listeners",
        also=("lockdown", "shut"),
    ),
    Verb("unlock", HelpSection.ACCESS, AllowedTo.MODERATORS, "opens the door again"),
    Verb(
        "remove",
        HelpSection.ACCESS,
        AllowedTo.MODERATORS,
        "keeps somebody out until it ends",
        "USER [REASON]",
        Takes.ARGUMENT,
        f"{_PERSON} `unblock` lets them in again.",
        "remove Mia shouts at people",
        ("kick", "expel", "throw"),
    ),
    Verb(
        "block",
        HelpSection.ACCESS,
        AllowedTo.MODERATORS,
        "keeps somebody out of this and all later live spaces of the host",
        "USER [REASON]",
        Takes.ARGUMENT,
        "USER may also be a whole server, `evil.example` or `*.evil.example`, or a pattern such "
        "as `@spam*:evil.example`, if you host: whoever fits it is shown out at once.",
        "block evil.example",
        ("ban",),
    ),
    Verb(
        "unblock",
        HelpSection.ACCESS,
        AllowedTo.MODERATORS,
        "lets a removed or blocked person in again",
        "USER",
        Takes.ARGUMENT,
        "Write servers and patterns as you blocked them.",
        "unblock @mia:example.org",
        ("unban", "readmit", "unremove"),
    ),
    Verb(
        "report",
        HelpSection.ACCESS,
        AllowedTo.ROOM,
        "tells the moderators of this server about somebody",
        "USER REASON",
        Takes.ARGUMENT,
        "The reported person's last captions go along. Write it to me alone if nobody is to see "
        "it.",
        "report Mia threatens people",
        ("complain", "flag"),
    ),
)

_AROUND = (
    Verb(
        "live",
        HelpSection.AROUND,
        AllowedTo.ANYBODY,
        "shows what is on and what is to come",
        also=("on",),
    ),
    Verb(
        "follow",
        HelpSection.AROUND,
        AllowedTo.ANYBODY,
        "tells you by direct message whenever this host goes live",
        "USER [ring|notify|quiet]",
        Takes.OPTIONAL,
        "In a live space's room USER may be left out: its host is meant. `ring` has your client "
        "ring, too, `notify` has it show a notification of the call, if you have joined the live "
        "space's room by then; in rooms you are not in, nothing can ring. Whoever chose `ring` "
        "and taps ✅ on an invitation is called by me, too, when it goes live, and who is asked "
        "onto the stage with `bring`, at once. `quiet` ends that. "
        "Without one of these words I say what you have chosen.",
        "follow @ada:example.org ring",
        ("subscribe",),
    ),
    Verb(
        "unfollow",
        HelpSection.AROUND,
        AllowedTo.ANYBODY,
        "ends that",
        "USER",
        Takes.OPTIONAL,
        example="unfollow @ada:example.org",
        also=("unsubscribe",),
    ),
    Verb(
        "invite",
        HelpSection.AROUND,
        AllowedTo.ROOM,
        "invites people by direct message",
        "USER… | followers",
        Takes.ARGUMENT,
        "USER is a Matrix ID here. `followers`: all who follow you; host and co-hosts only.",
        "invite @mia:example.org @ben:example.org",
        ("ping", "dm"),
    ),
    Verb(
        "share",
        HelpSection.AROUND,
        AllowedTo.MODERATORS,
        "shows a link to everybody and pins it",
        "LINK",
        Takes.ARGUMENT,
        "LINK: a web address, or the link of a message of the room. The last five stay pinned.",
        "share https://example.org/recipe",
        ("pin", "post"),
    ),
    Verb(
        "link",
        HelpSection.AROUND,
        AllowedTo.ROOM,
        "sends you your personal link to the page, where you listen and speak",
        also=("url", "join"),
    ),
    Verb(
        "callme",
        HelpSection.AROUND,
        AllowedTo.ANYBODY,
        "has me call you: now if it is live, else when it goes live",
        "[off]",
        Takes.OPTIONAL,
        "For clients that call one person and know no group calls. You hear everybody; 1 or * on "
        "the keypad, or ✋ in our chat, raises your hand. Calling me works as well. `off` takes "
        "it back.",
        "callme",
        ("call-me", "call", "phone"),
    ),
    Verb(
        "stats",
        HelpSection.AROUND,
        AllowedTo.ROOM,
        "shows how long, how many, and who spoke how much",
        also=("statistics", "status", "info"),
    ),
    Verb(
        "verify",
        HelpSection.AROUND,
        AllowedTo.ANYBODY,
        "tells how to make sure, by emoji or by hand, that I am who I seem to be",
        also=("fingerprint", "keys", "emoji"),
    ),
    Verb(
        "help",
        HelpSection.AROUND,
        AllowedTo.ANYBODY,
        "shows all commands, or how to write one",
        "[COMMAND]",
        Takes.OPTIONAL,
        example="help create",
        also=("commands", "usage", "man"),
    ),
)

VERBS: Mapping[str, Verb] = {
    verb.name: verb for verb in (*_LIFE, *_FLOOR, *_STAGE, *_ACCESS, *_AROUND)
}
"""The verbs by name, in the order of help and documentation."""

CLOSING = frozenset(
    {"lock", "mute", "demote", "remove", "block", "clear-queue", "chat", "guests", "end"}
)
"""Verbs that take something from somebody.

Given by a moderator, such a command passes a crowd that waits.
"""
