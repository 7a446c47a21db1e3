"""The generator of docs/commands.md, which is made from the table of commands.

`python -m spaces_bridge.matrix.commands.docs` prints the page; `make docs` writes it.
"""

import sys
from collections.abc import Iterator

from spaces_bridge.matrix.commands.dispatcher import COMMANDS_A_MINUTE, MORE_COMMANDS_A_MINUTE
from spaces_bridge.matrix.text.verbs import PREFIX, VERBS, HelpSection, Verb

_OPENING = f"""\
# Commands

<!-- Made by `make docs` from spaces_bridge/matrix/text/verbs.py: change that, not this. -->

In a live space's room every command begins with `{PREFIX}`; in a direct message with the bot \
that may be left out. In \
a room a command is about the live space of that room, and nothing else. Alone with the bot it is \
about the live space \
you are in; when it could be about several, the bot lists them. Every command is answered: in a \
few words, or with ❌ and \
the reason; in a thread, in the thread. Backticks, quotes, a full-width `！` and the \
like around it do no harm, `/space`, or the bot's name \
before the command, are as good as `{PREFIX}`, and a misspelt command may be mended by editing it \
once.

What you may do depends on your role now, not on where you type. `{PREFIX} help` shows this list, \
`{PREFIX} help COMMAND` what \
follows below about one.

**USER** is a Matrix ID (`@mia:example.org`), a matrix.to link, a name that only one person \
bears, or a number of the hand \
queue. Names may hold blanks: `remove Mia Maier shouts` finds Mia Maier, and the rest is the \
reason. Accents, capitals and width may be left out: `mute Zoe` finds Zoë. Guests of the page \
have no names here until they have the floor: use their number.

**TIME** is `tomorrow 19:00`, `friday 7pm`, `2026-12-01 19:00`, `in 2 hours`, with a time zone \
behind it (`Europe/Berlin`, Berlin, CET, \
`+01:00`, `UTC`) if you like, also in German, Spanish and French (`morgen 19 Uhr`). What is not \
understood whole is refused with the reading that was made of it. Without one it is the time zone \
of your Matrix profile (`m.tz`), \
else the one the admin has \
set (`hosting.timezone`).

At most {COMMANDS_A_MINUTE} commands a minute are answered per person and room \
({MORE_COMMANDS_A_MINUTE} of hosts and co-hosts, and alone with the bot). When a crowd gives many \
commands in one room, some of the answers come by direct message.
"""

_REACTIONS = """\
## Reactions

| reaction | on | does |
|---|---|---|
| ✋ 🖐 🤚 | the live card | raises your hand; taking it back lowers it |
| any other emoji | the live card | is a reaction to what is said: counted, and gone soon |
| ✅ | a question of the bot about a raised hand | gives the floor |
| ❌ | a question of the bot about a raised hand | declines |
| ✅ | the bot's question whether you want to speak | takes the floor |
| ❌ | the bot's question whether you want to speak | says no |
| ✅ | the card of a scheduled live space, an invitation to one | asks for a reminder |
| 🔔 | the live card, the card in a community's room | follows the host |
| 🔕 | an invitation | no more invitations from this host |
| 🚫 | an invitation | no more invitations from anybody |
"""

_EVENING = f"""\
## A first evening

1. Ada opens a chat with the bot and writes `create Bread and roses --at friday 19:00`. The bot \
makes a room, invites her, and answers with the page, the time and a calendar entry.
2. Her friends write `{PREFIX} follow @ada:example.org` in any room with the bot: they get a \
message when she goes live.
3. On Friday she joins the room and writes `{PREFIX} start`; `{PREFIX} link` sends her the \
personal link with which she speaks.
4. `{PREFIX} invite @mia:example.org` asks Mia in, by direct message.
5. Mia listens on the page or in the room, and taps ✋ on the live card (or writes \
`{PREFIX} speak`).
6. Ada taps ✅ in her chat with the bot, or writes `{PREFIX} next`. Mia gets a link and switches \
her microphone on.
7. `{PREFIX} cohost Mia` lets Mia help: she may now approve, bring, mute, remove and pin.
8. Somebody shouts: `{PREFIX} mute Ben` shuts his microphone until a host lifts it; \
`{PREFIX} remove Ben shouts` keeps him out.
9. `{PREFIX} share https://example.org/recipe` shows a link to everybody and pins it.
10. `{PREFIX} stats` tells how it went, and `{PREFIX} end` ends it for everybody.
"""


def commands_page() -> str:
    """Return the whole page as Markdown."""
    tables = ["\n".join(_section(section)) + "\n" for section in HelpSection]
    return "\n".join([_OPENING, *tables, _REACTIONS, _EVENING])


def _section(section: HelpSection) -> Iterator[str]:
    verbs = [verb for verb in VERBS.values() if verb.section is section]
    yield f"## {section}\n"
    yield "| command | does | who |"
    yield "|---|---|---|"
    for verb in verbs:
        yield f"| `{_cell(verb.usage)}` | {_cell(_told(verb))} | {verb.who} |"


def _told(verb: Verb) -> str:
    parts = [f"{verb.does[0].upper()}{verb.does[1:]}.", verb.more]
    if verb.example:
        parts.append(f"Example: `{verb.example}`.")
    return " ".join(part for part in parts if part)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(commands_page())
