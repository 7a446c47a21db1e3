"""`spaces-bridge demo`: a short real conversation on this machine, seen from outside."""

import argparse
import asyncio
import os
import signal
import tempfile
from collections.abc import Sequence
from pathlib import Path

from spaces_bridge_demo.bridge import Settings
from spaces_bridge_demo.deployment import Deployment
from spaces_bridge_demo.screenplay import write_screenplay
from spaces_bridge_demo.script import REACTION_TTL_S, Play
from spaces_bridge_demo.speech import SpeechUnreadable
from spaces_bridge_demo.steps import StepFailed
from spaces_bridge_demo.story import Story

PARTS = ("gate", "captions", "mix")
STEPS = (
    "homeserver",
    "bridge",
    "room",
    "live",
    "hand",
    "floor",
    "reactions",
    "captions",
    "sound",
    "mix",
    "gate",
    "invitation",
    "end",
)
"""The steps that `--once` has to observe."""
LOG_LINES = 12


def main(argv: Sequence[str]) -> int:
    """Run the demo; 0 when everything was observed (or it was ended by Ctrl-C), else 1."""
    parser = _parser()
    options = parser.parse_args(argv)
    if options.sabotage not in {None, *PARTS}:
        parser.error(f"BREAK={options.sabotage}: choose one of {', '.join(PARTS)}")
    try:
        return asyncio.run(_run(options))
    except (KeyboardInterrupt, asyncio.CancelledError):  # Ctrl-C, SIGTERM
        print("\nEnded. Nothing is left running.")
        return 0 if not options.once else 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="spaces-bridge demo",
        description="Plays a short real conversation: a local Synapse, the bridge, real WebRTC.",
        epilog="In a checkout: make demo [ONCE=1] [SPEECH=my.wav] [BREAK=gate|captions|mix].",
    )
    once = os.environ.get("ONCE", "") not in {"", "0", "no"}
    parser.add_argument(
        "--once", action="store_true", default=once, help="end by itself, 0 if all was observed"
    )
    parser.add_argument(
        "--speech",
        type=lambda text: Path(text).expanduser(),
        metavar="WAV",
        default=os.environ.get("SPEECH") or None,
        help="a recording of yours, spoken by the host",
    )
    parser.add_argument(
        "--break",
        dest="sabotage",
        choices=PARTS,
        default=os.environ.get("BREAK") or None,
        help="break this part on purpose: the demo has to notice",
    )
    return parser


async def _run(options: argparse.Namespace) -> int:
    _cancel_on_sigterm()
    story = Story()
    story.title("The Spaces bridge: a live audio room in Matrix")
    if options.sabotage:
        story.tell(f"One part is broken on purpose: {options.sabotage}. This has to be noticed.")
    with tempfile.TemporaryDirectory(prefix="spaces-models-") as directory:
        models = Path(directory)
        try:
            with story.work("putting words into mouths (a packaged synthetic voice)"):
                speech = options.speech
                screenplay = await write_screenplay("Ada", "Mia", speech, models)
        except SpeechUnreadable as unreadable:
            story.fail("speech", str(unreadable))
            return 1
        deployment = Deployment(
            models=models, sabotage=options.sabotage, settings=_settings(screenplay.language)
        )
        try:
            return await _play(options, Play(deployment, story, screenplay, models))
        finally:
            await deployment.stop()


def _settings(language: str) -> Settings:
    return {
        "reactions": {"ttl_s": REACTION_TTL_S},
        "media": {"orphan_grace_s": 10},
        "captions": {"language": language},
    }


async def _play(options: argparse.Namespace, play: Play) -> int:
    deployment, story = play.deployment, play.story
    try:
        await _act(options, play, story)
    except StepFailed as failed:
        story.fail(failed.step, failed.why)
        if "\n" not in failed.why:  # otherwise it holds the log already
            _show_log(deployment, story)
        story.tell(f"The demo failed at the step: {failed.step}")
        return 1
    finally:
        await play.close()
    missing = [name for name in STEPS if name not in story.observed]
    if missing:
        story.fail(missing[0], "was never observed")
        return 1
    story.title(f"All {len(STEPS)} steps were observed from outside.")
    return 0


async def _act(options: argparse.Namespace, play: Play, story: Story) -> None:
    """Play the acts in order; without `--once` the last one never ends."""
    await play.open()
    await play.speak()
    await play.raise_hand()
    await play.grant_floor()
    await play.mix()
    await play.talk()
    await play.compare_words()
    await play.take_floor()
    await play.invite()
    if not options.once:
        await _show_links(play, story)
        await play.go_on()
    await play.end()


async def _show_links(play: Play, story: Story) -> None:
    story.title("Join in")
    story.link("host's link", await play.ada.personal_link(play.space))
    story.link("listener's link", play.space.page)
    story.title("Or with a Matrix client")
    story.link("homeserver", play.deployment.homeserver.url)
    story.link("user", play.ben.id)
    story.link("password", play.ben.account.password)
    story.link("room", play.space.alias)


def _show_log(deployment: Deployment, story: Story) -> None:
    """Print the last warnings of the bridge's log, which often give the cause."""
    lines = deployment.bridge.log_text().splitlines()[-LOG_LINES:]
    if lines:
        story.title("The end of the bridge's log")
        for line in lines:
            story.tell(f"    {line}")


def _cancel_on_sigterm() -> None:
    task = asyncio.current_task()
    if task is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
