"""Interactive verification of the bot by people (SAS). Pure but for `service` and `courier`."""
