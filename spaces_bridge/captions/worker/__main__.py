"""The command `python -m spaces_bridge.captions.worker`: messages come by stdin, go by stdout.

It ends when stdin ends, so it never outlives the control process, however that died.
"""

import logging
import os
import queue
import sys
import threading
from typing import BinaryIO

from spaces_bridge.captions.messages import (
    CODEC,
    CaptionsMessage,
    CaptionsReady,
    FromCaptionWorker,
    Load,
    LoadFailed,
    ToCaptionWorker,
)
from spaces_bridge.captions.worker.languages import AUTO
from spaces_bridge.captions.worker.no_network import refuse_network
from spaces_bridge.captions.worker.scheduler import Scheduler
from spaces_bridge.captions.worker.transcriber import Transcriber
from spaces_bridge.captions.worker.vad import VoiceDetector, load_vad
from spaces_bridge.wire.messages import BadMessage

log = logging.getLogger(__name__)

_NICE = 5
"""A nice value: the mixer and the control process run before a decode does."""
_INBOX = 1000
"""Messages read ahead; when full, the pipe fills, and the control process drops the oldest."""


def main() -> None:
    """Serve until stdin ends."""
    logging.basicConfig(format="caption worker: %(levelname)s %(message)s")
    os.nice(_NICE)
    hindered = refuse_network()
    if hindered:
        log.warning("the network cannot be refused to this process: %s", hindered)
    out = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # Whatever a library prints must not end up among the messages.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    inbox: queue.Queue[ToCaptionWorker] = queue.Queue(_INBOX)
    threading.Thread(target=_read, args=(sys.stdin.buffer, inbox), daemon=True).start()
    try:
        _serve(inbox, out)
    except BrokenPipeError:
        os._exit(0)


def _read(stream: BinaryIO, inbox: queue.Queue[ToCaptionWorker]) -> None:
    """Fill the inbox; the process ends with the stream, also in the middle of a decode."""
    try:
        while (message := CODEC.read(stream)) is not None:
            inbox.put(_for_worker(message))
    except BadMessage:
        log.exception("the control process sent something that is no message")
        os._exit(1)
    os._exit(0)


def _for_worker(message: CaptionsMessage) -> ToCaptionWorker:
    if isinstance(message, ToCaptionWorker):
        return message
    raise BadMessage(f"{type(message).__name__} is not for the worker")


def _serve(inbox: queue.Queue[ToCaptionWorker], out: BinaryIO) -> None:
    first = inbox.get()
    if not isinstance(first, Load):
        raise BadMessage("the first message must be Load")
    scheduler = _load(first, out)
    while scheduler is not None:
        while not (scheduler.has_work and inbox.empty()):
            for answer in scheduler.take(inbox.get()):
                _send(out, answer)
        for answer in scheduler.work():
            _send(out, answer)


def _load(load: Load, out: BinaryIO) -> Scheduler | None:
    try:
        writer = Transcriber(load.model)
        vad = load_vad()
    except (RuntimeError, ValueError, OSError) as error:
        _send(out, LoadFailed(f"The captions model in {load.model} cannot be loaded: {error}"))
        return None
    if load.language != AUTO and not writer.is_language(load.language):
        _send(
            out,
            LoadFailed(
                f"captions.language is {load.language!r}, which the model in {load.model} cannot "
                "write. Set it to auto, or choose a model for that language."
            ),
        )
        return None
    _send(out, CaptionsReady(writer.multilingual))
    return Scheduler(writer, lambda: VoiceDetector(vad), load.language, partials=load.partials)


def _send(out: BinaryIO, message: FromCaptionWorker) -> None:
    out.write(CODEC.encode(message))
    out.flush()


if __name__ == "__main__":
    main()
