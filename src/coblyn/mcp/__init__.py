"""Tools over the Model Context Protocol: Coblyn's tools for other programs, and their tools for local models.

``tools`` offers generate, tokenize, models and doctor; ``tool_servers`` connects to the servers of a file and calls
their tools within limits. The official library implements the protocol; it is imported on demand. This package does not
know where models run; that is a ``Backend``.
"""
