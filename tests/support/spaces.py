"""Live spaces to test with."""

from dataclasses import replace
from functools import reduce

from spaces_bridge.core import commands as cmd
from spaces_bridge.core.evolution import born, evolve
from spaces_bridge.core.floor import SpeakPolicy
from spaces_bridge.core.ids import RoomId, SpaceId, UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.core.rules import create, decide

HOST = UserId("@ada:example.org")
BEN = UserId("@ben:example.org")
EVE = UserId("@eve:elsewhere.net")
GUEST = UserId("@spaces_0123456789abcdef:example.org")
ROOM = RoomId("!room")
CREATE = cmd.CreateSpace(SpaceId("space1"), "first-talk", "First talk", HOST, "Ada", 1_000)


def scheduled() -> LiveSpace:
    """Created, without a room yet."""
    return born(create(CREATE))


def after(space: LiveSpace, *commands: cmd.Command) -> LiveSpace:
    """The live space after obeying; refusals raise."""
    for command in commands:
        space = reduce(evolve, decide(space, command), space)
    return space


def live_space(
    *,
    speak_policy: SpeakPolicy = SpeakPolicy.REQUEST,
    max_speakers: int = 10,
    captions: bool = True,
    private: bool = False,
) -> LiveSpace:
    """Live, with the host and Ben in the room."""
    wanted = replace(
        CREATE,
        speak_policy=speak_policy,
        max_speakers=max_speakers,
        captions=captions,
        private=private,
    )
    return after(
        born(create(wanted)),
        cmd.AttachRoom(ROOM),
        cmd.ObserveRoom({HOST: 90}, {HOST: "Ada", BEN: "Ben"}),
        cmd.StartSpace(HOST, 2_000),
    )
