"""The machine: disk, memory, network, permissions, environment."""
