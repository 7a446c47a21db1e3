"""The live feed: the frames that pages are sent, and those by which they ask for something."""
