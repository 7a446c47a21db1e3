"""One person alone with the bot: direct rooms, DMs, prompts, and reactions to them."""
