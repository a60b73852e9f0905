"""Child processes for work that must not run in the server: they can be killed and have limits."""
