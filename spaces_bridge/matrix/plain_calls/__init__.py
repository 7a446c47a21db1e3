"""Plain calls (`m.call.*`): one person and the bot, who brings them into a live space."""
