"""Model files: downloading, storing and inspecting them.

This package knows nothing of the engine, HTTP routes or the terminal.
"""
