"""Ollama's API: text, conversations, and the models that are here."""
