"""The pages that people see, hear and use in a browser; and health for the admin."""
