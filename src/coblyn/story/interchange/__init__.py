"""The files of other programs: read into operations with a report of what became of everything, and written again."""
