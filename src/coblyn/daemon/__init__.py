"""Coblyn as a service of a user's session: files for systemd and launchd.

Files are written and removed here; nothing is started. This package knows nothing of what a server does.
"""
