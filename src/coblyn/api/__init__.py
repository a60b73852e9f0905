"""HTTP: the dialects that clients speak, and the page.

Each dialect is a package with its own wire models, its own error shape and its own framing. The
room refuses to know how text is generated, what a token costs and where the engine runs.
"""
