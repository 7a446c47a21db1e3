"""LiveKit and MatrixRTC: the authoriser of calls, and LiveKit's protocol for live spaces."""
