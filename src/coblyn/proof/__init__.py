"""Proves that a bundle runs and computes correctly on this machine: products, attention, tiny models, against numpy.

Takes a bundle's libraries and returns a fault or None; does not know users, their models or settings.
"""
