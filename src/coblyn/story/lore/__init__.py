"""Lore: entries that enter the context when the text calls for them, with SillyTavern's meaning of every field."""
