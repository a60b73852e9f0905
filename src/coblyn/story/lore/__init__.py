"""Lore: entries that enter the context when the text triggers them, with SillyTavern's semantics."""
