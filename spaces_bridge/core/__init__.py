"""The rules of a live space: values in, values out; no clock, no network, no log.

The one file that is read is the table of look-alike characters of `confusable-homoglyphs`.
"""
