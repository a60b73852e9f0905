"""Chat: converts messages to prompt text, and a model's output to reasoning, content and tool calls.

This package knows nothing of the engine, tokens or HTTP.
"""
