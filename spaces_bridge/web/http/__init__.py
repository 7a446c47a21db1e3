"""What is asked over HTTP: pages, streams, media sessions, the APIs, and the two listeners."""
