"""The engine: scheduling, tokens, stop rules and text.

Values (``params``, ``request``, ``events``, ``plan``) and decisions without side effects (``scheduler``, ``results``,
``cache``, ``text``) hold no pointers. ``runner`` is the only file here that calls the library, ``core`` is the thread
that owns it, and ``worker`` and ``client`` put that thread in a separate process.

This package knows nothing of chat messages, JSON or HTTP.
"""
