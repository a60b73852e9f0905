"""Whether a bundle runs and computes right here: products, attention and tiny models, against numpy.

Knows no user, no model of a user and no settings: a bundle's libraries go in, and a fault or none comes out.
"""
