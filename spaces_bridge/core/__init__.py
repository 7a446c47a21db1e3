"""The rules of a live space: values in, values out; no clock, no I/O, no third party."""
