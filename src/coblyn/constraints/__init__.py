"""What a generation must look like: from a schema or a grammar to a mask over the vocabulary, by ``llguidance``.

The room knows tokens as numbers and bytes, and no engine.
"""
