// Attention as the CPU backend asks for it: what is taken over, and how the work is divided among its threads.

#pragma once

#include <cstddef>

struct ggml_compute_params;
struct ggml_tensor;

namespace coblyn::kernels {

// Whether a tensor is attention over enough tokens for our code to compute it.
bool takes_attention(const ggml_tensor * op);

size_t attention_work_size(const ggml_tensor * op, int threads);

void compute_attention(const ggml_compute_params * params, ggml_tensor * op);

}  // namespace coblyn::kernels
