"""Model files: which can be pulled, which are here, and what is in them.

Refuses to know the engine, HTTP routes and the terminal.
"""
