"""The appservice: transactions come in, and each event goes to the handler it concerns."""
