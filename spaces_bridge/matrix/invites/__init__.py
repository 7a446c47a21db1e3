"""Invitations and reminders: whom they may go to, what they say, how fast they leave."""
