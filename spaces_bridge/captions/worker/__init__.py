"""The caption worker: a process of its own that holds the model and knows nothing of Matrix."""
