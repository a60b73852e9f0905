// ggml's matrix products, cut into jobs for a kernel.

#pragma once

#include <cstddef>

struct ggml_tensor;
struct ggml_compute_params;

namespace coblyn::kernels {

// Whether it is a product of enough tokens, or of few enough. Asked first, and about every operation: the rest need not be looked at.
bool is_wanted(const ggml_tensor * op);

// Whether a product is one for us. `is_interleaved`: its weights lie in ggml's repacked form.
bool takes(const ggml_tensor * op, bool is_interleaved);

// Bytes of working memory that `threads` threads share for it.
size_t work_size(const ggml_tensor * op, bool is_interleaved, int threads);

// One thread's part; all threads of the pool call it. `takes` must have said yes, and the working memory must do.
void compute(const ggml_compute_params * params, ggml_tensor * op, bool is_interleaved);

}  // namespace coblyn::kernels
