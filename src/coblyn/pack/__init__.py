"""Packs: everything that a machine without a network needs to install Coblyn and to build its engine.

Owns what goes into a pack and how it is known to be whole. Refuses to know how it is used: `coblyn.fetch` looks into a
pack where it would ask the network.
"""
