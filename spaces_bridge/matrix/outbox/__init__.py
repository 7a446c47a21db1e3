"""The outbox carried out: its dispatcher, lanes and their budgets, merging, task handlers."""
