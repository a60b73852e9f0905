"""The engine: who runs next, tokens, stop rules and text.

Values (``params``, ``request``, ``events``, ``plan``) and decisions without effects (``scheduler``, ``results``,
``cache``, ``text``) know no pointers; ``runner`` is the only file here that touches the library; ``core`` is the thread
that owns it; ``worker`` and ``client`` put that thread into a process of its own.

The room refuses to know chat messages, JSON and HTTP.
"""
