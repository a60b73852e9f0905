"""AMD's HIP and ROCm."""
