"""Chat: messages to prompt text.

The room refuses to know the engine, tokens and HTTP.
"""
