"""Whether a model has room in memory, and with which settings it has: measured before it is loaded.

Owns what a model takes (``need``, ``estimate``), what is there (``machine``), and what is given up for it (``ladder``,
``choose``). Knows nothing of HTTP and of the command line; ``fitting`` is what others ask.
"""
