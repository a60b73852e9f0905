"""Apple's Metal."""
