"""Downloads files: resumable, verified by SHA-256, and present only when complete.

This package knows nothing of engines or models: it takes an address or a package's file, and gives a file on disk.
"""
