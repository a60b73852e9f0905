"""Stories: their data, their changes, the context a model gets, and import and export of other programs' files.

Owns the journal's operations and their fold, lore, cards and the formats of other programs. It knows nothing of HTTP,
engines or tokenizers: the caller passes a function that counts tokens. Everything except ``store`` is pure.
"""
