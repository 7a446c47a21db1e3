"""A live space as others see it: cards, pins, pictures, and the lists it stands in."""
