"""Processes that do what must not be done in the server's own: they can be killed, and have limits."""
