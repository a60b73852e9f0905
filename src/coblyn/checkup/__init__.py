"""Finds faults in loadable model files, in tokens, chat template and numbers, and corrects them.

Owns the findings and their texts (``findings.toml``). A model's file is never changed: corrections are written beside
it (``models/overrides.py``). Knows no engine.
"""
