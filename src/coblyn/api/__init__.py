"""HTTP: the API dialects, and the page.

Each dialect is a package with its own wire models, error shape and framing. This package knows nothing of how text is
generated, what a token costs or where the engine runs.
"""
