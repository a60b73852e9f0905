"""Use cases that all APIs share: generate, tokens, models, and what runs under which key.

The room refuses to know wire formats, HTTP and pointers.
"""
