"""Model files made from others: quantized, measured, compared, split and merged.

What only the library can do happens in a process of its own, since the library ends its process on some files. Knows no
server, no command line, and not where models come from.
"""
