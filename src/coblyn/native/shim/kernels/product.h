// ggml's matrix products, divided into jobs for a kernel.

#pragma once

#include <cstddef>

struct ggml_tensor;
struct ggml_compute_params;

namespace coblyn::kernels {

// Whether it is a product of enough tokens, or of few enough. Checked first for every operation: most need no further check.
bool is_wanted(const ggml_tensor * op);

// Whether we take a product over. `is_interleaved`: its weights are in ggml's repacked form.
bool takes(const ggml_tensor * op, bool is_interleaved);

// Bytes of working memory that `threads` threads share.
size_t work_size(const ggml_tensor * op, bool is_interleaved, int threads);

// One thread's part; all threads of the pool call it. `takes` must have returned true, and the working memory must suffice.
void compute(const ggml_compute_params * params, ggml_tensor * op, bool is_interleaved);

}  // namespace coblyn::kernels
