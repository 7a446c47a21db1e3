"""Texts: what people write is understood, and what the bot writes is worded. Pure."""
