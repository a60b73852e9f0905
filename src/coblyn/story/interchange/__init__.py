"""Imports files of other programs as operations, with a report about every part, and exports to their formats."""
