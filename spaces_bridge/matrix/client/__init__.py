"""The Client-Server API as our users call it, its errors, and the pace of our calls."""
