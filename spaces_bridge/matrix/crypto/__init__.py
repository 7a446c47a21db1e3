"""End-to-end encryption of the bot's chats. Spec: Client-Server API, "End-to-End Encryption"."""
