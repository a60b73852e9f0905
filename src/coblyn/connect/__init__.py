"""Settings of other programs that point them at a server: what they say, written into their files and taken back.

One module a program in ``clients/``. The room refuses to know how a server works.
"""
