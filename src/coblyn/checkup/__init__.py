"""What is wrong in a model's file that loads: its tokens, its chat template, its numbers, and what sets that right.

Owns the findings and their words (``findings.toml``). A file is never changed: what sets it right is written beside it
(``models/overrides.py``). Knows no engine.
"""
