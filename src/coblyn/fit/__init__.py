"""Whether a model fits in memory, and with which settings; measured before it is loaded.

Owns the memory that a model takes (``need``, ``estimate``), the memory available (``machine``), and the settings to
give up (``ladder``, ``choose``). Knows nothing of HTTP or the command line. ``fitting`` is the interface for others.
"""
