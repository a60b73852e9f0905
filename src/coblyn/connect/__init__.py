"""Settings that connect other programs to a server: shown, written into their files, and undone.

One module per program in ``clients/``. This package does not depend on how a server works.
"""
