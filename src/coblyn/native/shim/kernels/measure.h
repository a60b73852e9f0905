// Ours against ggml's, on this machine, now.

#pragma once

#include "trial.h"

#include <cstdint>

namespace coblyn::kernels {

// See coblyn_kernels_measure.
double measure(int type, int64_t n, int64_t k, int64_t m, int threads, double seconds);

// See coblyn_kernels_find_batch.
int find_batch(int type, int64_t n, int64_t k, int threads, double seconds);

// See coblyn_kernels_find_tiles.
bool find_tiles(int type, int64_t n, int64_t k, int threads, double seconds);

// See coblyn_kernels_find_few.
int find_few(int type, int64_t n, int64_t k, int threads, double seconds);

// The same for attention.
double measure_attention(const AttentionShape & shape, int tokens, int threads, double seconds);
int    find_tokens(const AttentionShape & shape, int threads, double seconds);

// See coblyn_kernels_take_spread and coblyn_kernels_watch.
double take_spread();
void   watch(const int32_t * stop);

}  // namespace coblyn::kernels
