"""Packs: everything that an offline machine needs to install Coblyn and to build its engine.

Owns the content of a pack and its verification, not its use: `coblyn.fetch` looks into a pack instead of the network.
"""
