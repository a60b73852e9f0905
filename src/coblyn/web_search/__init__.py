"""Searches the web for a few excerpts, if the user allows it.

This package knows nothing of models, prompts or APIs.
"""
