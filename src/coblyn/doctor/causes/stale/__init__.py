"""Objects and libraries of different ages in one build."""
