"""The WebRTC edge: peers on one port, from datagrams to packets of sound and back."""
