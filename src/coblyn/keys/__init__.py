"""API keys: what one may do, how it is recognised, and where the user's keys are kept.

Only hashes are kept. The room refuses to know HTTP, and who asks.
"""
