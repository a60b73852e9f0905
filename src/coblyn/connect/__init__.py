"""Settings that connect other programs to a server: shown, written into their files, and undone.

One module per program in ``clients/``. This package knows nothing of how a server works.
"""
