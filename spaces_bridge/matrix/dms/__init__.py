"""One person alone with the bot: their direct room, letters, questions and answers."""
