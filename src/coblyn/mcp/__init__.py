"""Tools by the Model Context Protocol: our own for other programs, and those of other programs for our models.

``tools`` offers generate, tokenize, models and doctor; ``tool_servers`` connects to the servers of a file and calls
their tools within limits. The official library speaks the protocol; it is imported on demand. The room
refuses to know where models run: that is a ``Backend``.
"""
