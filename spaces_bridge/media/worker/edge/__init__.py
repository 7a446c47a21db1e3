"""The WebRTC edge: peers on one port; it turns datagrams into packets of sound, and back."""
