"""Sabotage: breaks one part of the bridge on purpose, by `make demo BREAK=gate|captions|mix`.

Each directory here holds a `sitecustomize`, which Python imports at the start of every process
that has that directory on PYTHONPATH. Only the demo arranges that, and only for the processes of
its own bridge, which knows nothing of it. BREAK exists to show that the demo notices from outside
when a part is broken.
"""
