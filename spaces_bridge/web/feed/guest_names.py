"""The name a guest comes with, and what they are told of it."""

from spaces_bridge.core.display_names import DisplayNames, refuse_name
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.core.sentences import say
from spaces_bridge.core.text.names import clean_name
from spaces_bridge.web.feed.channel import Client


def name_from(text: str, space: LiveSpace, bot: str) -> str:
    """What the guest will be called. Raises Rejected; `bot`: the bot's user id."""
    name = clean_name(text)
    if not name:
        raise Rejected("bad_name", "That name has no letters. Choose another one.")
    refuse_name(space, name, bot)
    return name


def tell_if_hidden(client: Client, space: LiveSpace) -> None:
    """Who was here first and looks like somebody with a role by now should know."""
    you = client.you
    if you.guest and you.user is not None and DisplayNames(space).hides(you.user, you.name):
        text = "Somebody with a role here has a name like yours: others see you without a name."
        client.notice(say("name_hidden", text))
