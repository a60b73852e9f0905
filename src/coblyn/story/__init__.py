"""Stories: what they are, how they change, what of them a model reads, and the files of other programs that hold them.

Owns the journal's operations and their fold, lore, cards and the formats of other programs. It refuses to know HTTP,
engines and
tokenizers: who assembles a context brings what counts tokens. Everything but ``store`` is pure.
"""
