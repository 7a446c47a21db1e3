"""Sound: the control side of the stage, and the worker process that carries it."""
