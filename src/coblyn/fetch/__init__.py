"""Bringing files here: resumed after a break, checked by their SHA-256, complete or not there.

The room knows neither engines nor models: an address or a package's file goes in, a file on the disk comes out.
"""
