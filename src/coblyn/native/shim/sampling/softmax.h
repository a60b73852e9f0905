// Exponentials over rows of logits, in loops that compilers turn into vector code.

#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>

namespace coblyn {

constexpr int32_t lanes          = 32;  // with 16, exponentials take 2.5 times as long
constexpr float   minus_infinity = -std::numeric_limits<float>::infinity();

// e to the x for x <= 0, relative error below 3e-7, and 0 below -87. Without branches, so that loops over it are vectorized.
inline float exponential(float x) {
    const float clamped  = x < -87.0f ? -87.0f : x;
    const float shifted  = clamped * 1.44269504f + 12582912.0f;  // adding 1.5 * 2^23 rounds to an integer
    const float exponent = shifted - 12582912.0f;
    const float r        = (clamped - exponent * 0.693359375f) + exponent * 2.12194440e-4f;
    float       p        = 1.9875691500e-4f;  // minimax polynomial of Cephes' expf
    p                    = p * r + 1.3981999507e-3f;
    p                    = p * r + 8.3334519073e-3f;
    p                    = p * r + 4.1665795894e-2f;
    p                    = p * r + 1.6666665459e-1f;
    p                    = p * r + 5.0000001201e-1f;
    p                    = p * r * r + r + 1.0f;
    const int32_t bits   = ((int32_t) exponent + 127) << 23;
    float         scale;
    std::memcpy(&scale, &bits, sizeof scale);
    return x < -87.0f ? 0.0f : p * scale;
}

constexpr int32_t block = 4096;  // short float sums keep their precision

// Sum of exp((x - shift) * scale) over at most one block; with keeps_weights each term is written to `weights`.
template <bool keeps_weights>
double exponential_sum_of_block(const float * x, int32_t n, float shift, float scale, float * weights) {
    float   sums[lanes] = {};
    int32_t i           = 0;
    for (; i + lanes <= n; i += lanes) {
        float terms[lanes];
        for (int32_t j = 0; j < lanes; ++j) {
            terms[j] = exponential((x[i + j] - shift) * scale);
        }
        for (int32_t j = 0; j < lanes; ++j) {
            sums[j] += terms[j];
        }
        if (keeps_weights) {
            std::memcpy(weights + i, terms, sizeof terms);
        }
    }
    double total = 0;
    for (float sum : sums) {
        total += sum;
    }
    for (; i < n; ++i) {
        const float term = exponential((x[i] - shift) * scale);
        total += term;
        if (keeps_weights) {
            weights[i] = term;
        }
    }
    return total;
}

// The same over a row of any length; calls of_block(sum) for each block if given.
template <class OfBlock>
double exponential_sum(const float * x, int32_t n, float shift, float scale, float * weights, OfBlock of_block) {
    double total = 0;
    for (int32_t i = 0; i < n; i += block) {
        const int32_t size = std::min(block, n - i);
        const double  sum  = weights ? exponential_sum_of_block<true>(x + i, size, shift, scale, weights + i)
                                     : exponential_sum_of_block<false>(x + i, size, shift, scale, nullptr);
        of_block(sum);
        total += sum;
    }
    return total;
}

inline double exponential_sum(const float * x, int32_t n, float shift, float scale, float * weights) {
    return exponential_sum(x, n, shift, scale, weights, [](double) {});
}

}  // namespace coblyn
