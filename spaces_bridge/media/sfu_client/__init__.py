"""The SFU client: a process that joins rooms at an SFU for one media worker."""
