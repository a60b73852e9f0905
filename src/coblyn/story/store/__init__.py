"""Stories on the disk: one SQLite file. The only part of ``story`` that touches the world."""
