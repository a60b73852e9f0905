"""Searching the web for a few excerpts, where the user allowed it: a query goes out, text comes back.

The room knows nothing of models, prompts or APIs.
"""
