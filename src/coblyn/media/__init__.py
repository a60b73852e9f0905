"""Decodes untrusted image and sound files to pixels and samples.

This package knows nothing of models, prompts or APIs.
"""
