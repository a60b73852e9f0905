"""Constraints on generated text: compiles schemas and grammars to masks over the vocabulary with ``llguidance``.

This package knows tokens as numbers and bytes, and nothing of the engine.
"""
