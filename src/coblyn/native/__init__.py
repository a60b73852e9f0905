"""Builds the native engine on the user's machine, and manages the built bundles.

Owns facts about the machine, the pinned source, the choice of a compiler and a backend, the build plan,
the build itself and the resulting bundles. Does not know how a bundle is used: no ctypes, no
models, no HTTP, no terminal.
"""
