"""Anthropic's API: messages, counting their tokens, models."""
