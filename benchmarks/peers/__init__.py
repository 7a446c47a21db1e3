"""Peers: other servers that carry one voice to many listeners, for comparison with ours."""
