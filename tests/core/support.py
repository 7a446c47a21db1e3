"""Ways to say what a rule answers."""

import pytest

from spaces_bridge.core import commands as cmd
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.core.rules import decide
from tests.support.spaces import BEN, EVE, HOST, after, live_space

CAT = UserId("@cat:example.org")


def refused(space: LiveSpace, command: cmd.Command) -> str:
    """The code of the refusal, whose text is a sentence."""
    with pytest.raises(Rejected) as refusal:
        decide(space, command)
    assert refusal.value.text.endswith((".", "!"))
    return refusal.value.code


def on_stage() -> LiveSpace:
    """Ben has the floor."""
    return after(
        live_space(),
        cmd.RequestToSpeak(BEN, 1),
        cmd.ApproveSpeaker(HOST, BEN),
        cmd.ObserveLevels({HOST: 90, BEN: 10}),
    )


def with_cohost() -> LiveSpace:
    """Ben speaks, Cat is a co-host, Eve listens."""
    space = on_stage()
    for user in (CAT, EVE):
        space = after(space, cmd.ObserveMember(user, joined=True, name=user[1:4].title()))
    return after(space, cmd.ObserveLevels({HOST: 90, CAT: 60, BEN: 10}))
