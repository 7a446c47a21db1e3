"""Live captions: each speaker's words as text, one final line per utterance.

The control side (`captioner`) feeds one worker process (`worker`) that finds the utterances in
each speaker's own track and transcribes them. Nothing here imports a model in the control process.
"""
