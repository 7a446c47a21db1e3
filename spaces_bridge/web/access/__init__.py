"""Who may see and hear what: addresses, links, tickets, OpenID, rate limits."""
