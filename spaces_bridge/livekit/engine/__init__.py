"""The LiveKit engine: live spaces' calls on a LiveKit server, which the bridge steers."""
