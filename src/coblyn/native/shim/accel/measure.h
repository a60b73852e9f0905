// Ours against ggml's, on this machine, now.

#pragma once

#include "trial.h"

#include <cstdint>

namespace coblyn::accel {

// See coblyn_accel_measure.
double measure(int type, int64_t n, int64_t k, int64_t m, int threads, double seconds);

// See coblyn_accel_find_batch.
int find_batch(int type, int64_t n, int64_t k, int threads, double seconds);

// See coblyn_accel_find_few.
int find_few(int type, int64_t n, int64_t k, int threads, double seconds);

// The same of attention.
double measure_attention(const AttentionShape & shape, int tokens, int threads, double seconds);
int    find_tokens(const AttentionShape & shape, int threads, double seconds);

// See coblyn_accel_take_spread and coblyn_accel_watch.
double take_spread();
void   watch(const int32_t * stop);

}  // namespace coblyn::accel
