"""Properties of the media room have no deadline: real workers share the machine with them."""

from hypothesis import settings

settings.register_profile("media", deadline=None)
settings.load_profile("media")
