"""Breaks one part of the bridge on purpose: `make demo BREAK=gate|captions|mix`.

Each directory here holds a `sitecustomize`, which Python imports at the start of every process
that has that directory on PYTHONPATH. Only the demo arranges that, and only for the processes of
its own bridge, which knows nothing of it. What is broken here must be noticed by the demo from
outside: that is what BREAK is for.
"""
