// The exponential of samplers, in a form that compilers turn into vector code.

#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>

namespace coblyn {

constexpr float minus_infinity = -std::numeric_limits<float>::infinity();

constexpr float largest = 1e30f;  // finite logits are clamped to between minus this and this

inline float bounded(double logit) {  // all in doubles first, so that loops over it are vectorized
    constexpr double highest = largest;
    const double     low     = logit > highest ? highest : logit;
    return (float) (low < -highest ? -highest : low);
}

constexpr float log2_of_e = 1.44269504f;

// 2 to the y for y <= 0, relative error below 2e-7, and 0 from -127 on. Without branches, so that loops over it are vectorized.
inline float power_of_two(float y) {
    constexpr float lowest   = -127.0f;  // there the bits below become those of 0; just above, a number near 1e-38
    const float     clamped  = y > lowest ? y : lowest;
    const float     shifted  = clamped + 12582912.0f;  // adding 1.5 * 2^23 rounds to an integer
    const float     f        = clamped - (shifted - 12582912.0f);
    // 1 + f * q: minimax polynomial of 2 to the f from -1/2 to 1/2, by Lawson's iteration.
    float q = 1.32647272e-3f;
    q       = q * f + 9.67151269e-3f;
    q       = q * f + 5.55073374e-2f;
    q       = q * f + 2.40222421e-1f;
    q       = q * f + 6.93146978e-1f;
    const float p = q * f + 1.0f;
    // The lowest bits of `shifted` are the exponent, which is added to that of p.
    uint32_t bits, steps;
    std::memcpy(&bits, &p, sizeof bits);
    std::memcpy(&steps, &shifted, sizeof steps);
    bits += steps << 23;
    float result;
    std::memcpy(&result, &bits, sizeof result);
    return result;
}

// e to the x for x <= 0. The product's rounding adds |x| * 1e-7 to the relative error.
inline float exponential(float x) {
    return power_of_two(x * log2_of_e);
}

}  // namespace coblyn
