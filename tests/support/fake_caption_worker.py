"""A caption worker without a model, run as a program: how it behaves is its argument.

`echo` writes one line per track, its length in ms, and drafts it before (if there are to be
partials); `stuck` is ready and then reads nothing; `refuse` cannot load its model; `die`
ends at once; `babble` says what is no message.
"""

import sys
import time

from spaces_bridge.captions.messages import (
    CODEC,
    CaptionsReady,
    DraftMessage,
    EndOfTrack,
    FromCaptionWorker,
    Load,
    LoadFailed,
    OpenTrack,
    RestDrafts,
    Speech,
    TrackEnded,
    TranscribedUntil,
    Utterance,
)
from spaces_bridge.captions.worker.ids import utterance_id
from spaces_bridge.wire.pcm import length_ms


def say(message: FromCaptionWorker) -> None:
    """Hand a message to the control process."""
    sys.stdout.buffer.write(CODEC.encode(message))
    sys.stdout.buffer.flush()


def echo(*, partials: bool) -> None:
    """One utterance per track, from its first to its last sound."""
    spans: dict[tuple[str, str], tuple[int, int]] = {}
    while (message := CODEC.read(sys.stdin.buffer)) is not None:
        match message:
            case OpenTrack():
                spans.pop((message.space, message.speaker), None)
            case RestDrafts():
                partials = not message.on
            case Speech():
                who = (message.space, message.speaker)
                start, end = spans.get(who, (message.at_ms, message.at_ms))
                if message.at_ms >= end:
                    end = message.at_ms + length_ms(message.pcm)
                    spans[who] = (start, end)
                    name, text = utterance_id(*who, start), f"{end - start} ms"
                    if partials:
                        say(DraftMessage(*who, name, start, end, text, 0, "en"))
            case EndOfTrack(space, speaker):
                start, end = spans[space, speaker]
                name = utterance_id(space, speaker, start)
                say(Utterance(space, speaker, name, start, end, f"{end - start} ms", "en"))
                say(TranscribedUntil(space, speaker, end))
                say(TrackEnded(space, speaker))
            case _:
                pass


def main(behaviour: str) -> None:
    """Behave."""
    if behaviour == "die":
        sys.exit(3)
    load = CODEC.read(sys.stdin.buffer)
    if behaviour == "refuse":
        say(LoadFailed("The model is a teapot."))
        return
    if behaviour == "babble":
        sys.stdout.buffer.write(b"Loading, please wait")
        sys.stdout.buffer.flush()
    say(CaptionsReady(True))
    if behaviour == "stuck":
        time.sleep(600)
    echo(partials=isinstance(load, Load) and load.partials)


if __name__ == "__main__":
    main(sys.argv[1])
