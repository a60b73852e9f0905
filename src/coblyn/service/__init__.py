"""Use cases shared by all APIs: generation, tokens, models, and the requests running under each key.

This package knows nothing of wire formats, HTTP or pointers.
"""
