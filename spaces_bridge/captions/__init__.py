"""Live captions: who said what, as text, one final line per utterance.

The control side (`captioner`) feeds one worker process (`worker`) that finds the utterances in
each speaker's own track and writes them down. Nothing here imports a model in the control process.
"""
