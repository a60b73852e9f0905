"""Where the CPU kernels win on this machine: measured when a model is loaded, kept, and measured better at rest."""
