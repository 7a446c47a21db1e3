"""Sound: the control process's side of the stage, and the media worker, a process of its own."""
