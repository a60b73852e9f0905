"""Chat: messages to prompt text, and what a model writes to reasoning, content and calls of tools.

The room refuses to know the engine, tokens and HTTP.
"""
