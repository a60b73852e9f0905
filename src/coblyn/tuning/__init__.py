"""Measures where the CPU kernels are faster on this machine: when a model is loaded, and further while idle."""
