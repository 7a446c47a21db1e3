"""The page: what people see, hear and press in a browser; and health for the admin."""
