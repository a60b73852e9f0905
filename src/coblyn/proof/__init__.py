"""Proves that a bundle runs and computes correctly on this machine: products, attention, tiny models, against numpy.

Takes a bundle's libraries and gives a fault or none; knows nothing of users, their models or settings.
"""
