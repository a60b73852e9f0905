"""Character cards of versions 1 to 3, in all file formats."""
