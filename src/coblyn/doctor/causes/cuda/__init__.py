"""NVIDIA's CUDA."""
