"""Access to pages and sound: client addresses, links, tickets, OpenID, limits per address."""
