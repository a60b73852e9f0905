"""Coblyn as a service of a user's session: what systemd and launchd have to know, as files.

Files are written and removed here, nothing is started. The room refuses to know what a server does.
"""
