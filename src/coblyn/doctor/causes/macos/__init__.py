"""Apple's tools and systems."""
