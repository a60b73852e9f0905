// Random numbers that depend on seed and position only.

#pragma once

#include <cstdint>

namespace coblyn {

// The finaliser of splitmix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).
inline uint64_t mix(uint64_t x) {
    x += 0x9E3779B97F4A7C15ULL;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
    return x ^ (x >> 31);
}

// In [0, 1): decides the token at a position.
inline double random_number(uint64_t seed, uint64_t position) {
    return (double) (mix(mix(seed) + position) >> 11) * 0x1.0p-53;
}

// In [0, 1), independent of the former: decides whether XTC applies.
inline double coin(uint64_t seed, uint64_t position) {
    return random_number(mix(seed), position);
}

}  // namespace coblyn
