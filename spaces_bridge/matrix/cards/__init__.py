"""What a live space shows of itself: cards, pins, pictures, and the lists it stands in."""
