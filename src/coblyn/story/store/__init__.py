"""Stories on disk in one SQLite file; the only part of ``story`` with side effects."""
