"""Talking with the bot on a real homeserver."""

from spaces_bridge_demo.matrix_user import MatrixUser
from tests.matrix.support import BOT, eventually


async def meet(person: MatrixUser) -> str:
    """A direct room in which the bot has greeted; its id."""
    greeted = person.next_event(
        lambda e: e.get("sender") == BOT and "body" in e.get("content", {}), "a greeting"
    )
    room = await person.open_dm(BOT)
    await greeted
    return room


async def say(person: MatrixUser, room: str, text: str) -> str:
    """Say something to the bot; its answer to just that."""
    said = await person.send_text(room, text)

    def answers() -> list[str]:
        return [
            str(event["content"]["body"])
            for event in person.seen
            if event.get("sender") == BOT
            and event.get("content", {}).get("m.relates_to", {})
            == {"m.in_reply_to": {"event_id": said}}
        ]

    await eventually(answers, f"no answer to {text}")
    return answers()[0]


async def tells(person: MatrixUser, room: str, *steps: tuple[str, str]) -> None:
    """Each text is answered with what holds the part beside it."""
    for text, part in steps:
        answer = await say(person, room, text)
        assert part in answer, f"{text}: {answer}"


async def is_refused(person: MatrixUser, room: str, *steps: tuple[str, str]) -> None:
    """Each text is refused, with what holds the part beside it."""
    for text, part in steps:
        answer = await say(person, room, text)
        assert answer.startswith("❌"), f"{text}: {answer}"
        assert part in answer, f"{text}: {answer}"
