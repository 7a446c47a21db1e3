"""LiveKit and MatrixRTC: the authoriser of calls, and LiveKit's client protocol for live spaces."""
