"""The server of a crowd: a stage of the tree that PYTHONPATH names, with a real media worker.

`python -P crowd_stage.py OPTIONS` answers JSON lines. It is run in other commits' trees, too, so
it uses nothing that only this one has: options that a tree does not know are left out.
"""

import asyncio
import dataclasses
import importlib
import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

from benchmarks.peers.lines import answer, questions
from spaces_bridge.app.ports import Direction
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.media.options import MediaOptions
from spaces_bridge.media.stage import WorkerStage

_SPACE = SpaceId("space0000000000a")
_SPEAKER = UserId("@speaker:x")
_HOST = "127.0.0.1"
_WORKER = "spaces_bridge.media.worker"


class _Nobody:
    """A stage's listener that is told everything and keeps nothing."""

    def __getattr__(self, _name: str) -> object:
        return lambda *_arguments, **_named: None


def _options(directory: str, wanted: Mapping[str, object]) -> MediaOptions:
    known = {field.name for field in dataclasses.fields(MediaOptions)}
    return MediaOptions(
        addresses=(_HOST,),
        port=0,
        hostnames=(_HOST,),
        runtime_dir=Path(directory),
        **{name: value for name, value in wanted.items() if name in known},  # type: ignore[arg-type]
    )


async def _answers(stage: WorkerStage, offers: Sequence[str], first: int) -> list[str]:
    users = [UserId(f"@listener{first + number}:x") for number in range(len(offers))]
    joining = (
        stage.offer(_SPACE, user, Direction.LISTEN, offer)
        for user, offer in zip(users, offers, strict=True)
    )
    return [session.answer for session in await asyncio.gather(*joining)]


def _stage(options: MediaOptions, workers: int) -> WorkerStage:
    """Return the stage on so many workers; trees that know of only one give that."""
    if workers == 1 or not hasattr(options, "of_worker"):
        return WorkerStage(options)
    stages = [WorkerStage(options.of_worker(place)) for place in range(workers)]
    local: WorkerStage = importlib.import_module("spaces_bridge.media.local_stage").LocalStage(
        stages, options
    )
    return local


def _workers() -> list[int]:
    """Return the ids of all media workers that this process has."""
    children = psutil.Process(os.getpid()).children(recursive=True)
    return [child.pid for child in children if _WORKER in child.cmdline()]


async def _reply(stage: WorkerStage, question: Mapping[str, Any]) -> None:
    if "offers" in question:
        answer(answers=await _answers(stage, question["offers"], question["first"]))
    elif "speak" in question:
        session = await stage.offer(_SPACE, _SPEAKER, Direction.SPEAK, question["speak"])
        stage.open_microphone(_SPACE, _SPEAKER)
        answer(answer=session.answer)
    else:
        answer(numbers=dict(stage.metrics()), workers=_workers())


async def _serve(wanted: Mapping[str, object]) -> None:
    with tempfile.TemporaryDirectory(prefix="bench-crowd-") as directory:
        stage = _stage(_options(directory, wanted), int(str(wanted.get("workers", 1))))
        stage.listen(_Nobody())  # type: ignore[arg-type]
        await stage.start()
        try:
            stage.open_space(_SPACE, 0)
            async for question in questions():
                await _reply(stage, question)
        finally:
            await stage.stop()


if __name__ == "__main__":
    asyncio.run(_serve(json.loads(sys.argv[1])))
