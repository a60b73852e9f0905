"""API keys: their permissions, their verification, and their storage.

Only hashes are stored. This package knows nothing of HTTP.
"""
