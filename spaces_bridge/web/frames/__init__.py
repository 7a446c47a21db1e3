"""The frames of the live feed, field by field: what the server sends, and what it is sent.

`docs/feed.md` and the types of the page's scripts are made from these tables.
In `Annotated`, a text is what the document says of the field, and an enum names the values that
it may have.
"""
