"""From the homeserver to whom it concerns: transactions in, each event handed on."""
