"""Ollama's API: text, conversations and models."""
