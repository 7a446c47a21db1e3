"""The demo: a real homeserver, the real bridge and real WebRTC clients, used from outside."""
