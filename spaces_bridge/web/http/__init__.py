"""Everything served over HTTP: pages, streams, media sessions, the APIs; the two listeners."""
