// The exponential of samplers, in a form that compilers turn into vector code.

#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>

namespace coblyn {

constexpr float minus_infinity = -std::numeric_limits<float>::infinity();

// e to the x for x <= 0, relative error below 3e-7, and 0 below -86.5. Without branches, so that loops over it are vectorized.
inline float exponential(float x) {
    constexpr float lowest   = -86.5f;               // the result stays a normal number
    const float     clamped  = x < lowest ? lowest : x;
    const float     shifted  = clamped * 1.44269504f + 12582912.0f;  // adding 1.5 * 2^23 rounds to an integer
    const float     exponent = shifted - 12582912.0f;
    const float     r        = (clamped - exponent * 0.693359375f) + exponent * 2.12194440e-4f;
    // 1 + r + r^2 * q: minimax polynomial over half an octave, by Lawson's iteration.
    float q = 8.3125010e-3f;
    q       = q * r + 4.1890331e-2f;
    q       = q * r + 1.6667116e-1f;
    q       = q * r + 4.9999231e-1f;
    const float p = q * (r * r) + r + 1.0f;
    // The lowest bits of `shifted` are the exponent, which is added to that of p.
    uint32_t bits, steps;
    std::memcpy(&bits, &p, sizeof bits);
    std::memcpy(&steps, &shifted, sizeof steps);
    bits += steps << 23;
    float result;
    std::memcpy(&result, &bits, sizeof result);
    return x < lowest ? 0.0f : result;
}

}  // namespace coblyn
