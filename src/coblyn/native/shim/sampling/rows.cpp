#include "rows.h"

// Needs a linker and a loader that choose between versions of a function.
#if defined(__linux__) && defined(__GLIBC__) && defined(__x86_64__) && !defined(__AVX2__) && defined(__has_attribute)
#if __has_attribute(target_clones)
#define COBLYN_VERSIONS __attribute__((target_clones("default", "avx2", "avx512f")))
#endif
#endif
#ifndef COBLYN_VERSIONS
#define COBLYN_VERSIONS
#endif

namespace coblyn {

namespace {

// The best of each lane of a chunk, and of all; the last chunk may be shorter. Returns whether a logit is NaN.
inline bool peaks_of_chunk(const float * x, int32_t n, float * peaks, float * top) {
    float   best[lanes];
    int32_t wrong[lanes] = {};
    std::fill(best, best + lanes, minus_infinity);
    int32_t i = 0;
    for (; i + lanes <= n; i += lanes) {
        for (int32_t j = 0; j < lanes; ++j) {
            best[j] = x[i + j] > best[j] ? x[i + j] : best[j];
            wrong[j] |= x[i + j] != x[i + j];
        }
    }
    for (; i < n; ++i) {
        best[i % lanes] = x[i] > best[i % lanes] ? x[i] : best[i % lanes];
        wrong[0] |= x[i] != x[i];
    }
    std::memcpy(peaks, best, sizeof best);
    for (int32_t half = lanes / 2; half > 0; half /= 2) {
        for (int32_t j = 0; j < half; ++j) {
            best[j] = best[j + half] > best[j] ? best[j + half] : best[j];
            wrong[j] |= wrong[j + half];
        }
    }
    *top = best[0];
    return wrong[0] != 0;
}

// Sums of few terms each, so that the rest is added as doubles.
inline double total_of(const float * sums) {
    double parts[lanes / 4] = {};
    for (int32_t i = 0; i < lanes; i += lanes / 4) {
        for (int32_t j = 0; j < lanes / 4; ++j) {
            parts[j] += sums[i + j];
        }
    }
    double total = 0;
    for (const double part : parts) {
        total += part;
    }
    return total;
}

template <class Curve> inline void bend_all(const float * x, int32_t n, float factor, const Curve & curve, float * out) {
    for (int32_t i = 0; i < n; ++i) {
        const float scaled  = x[i] * factor;
        const float low     = scaled < largest ? scaled : largest;
        const float changed = curve(low > -largest ? low : -largest);
        out[i]              = x[i] > minus_infinity ? changed : minus_infinity;
    }
}

// Up to 32 logits and their bits. Returns whether one is lost.
inline int32_t forbid_word(float * x, int32_t n, uint32_t allowed) {
    int32_t is_lost = 0;
    for (int32_t i = 0; i < n; ++i) {
        const int32_t stays = allowed >> i & 1;
        const float   logit = x[i];
        is_lost |= (stays ^ 1) & (logit > minus_infinity);
        x[i] = stays ? logit : minus_infinity;
    }
    return is_lost;
}

}  // namespace

COBLYN_VERSIONS
bool forbid(float * x, int32_t n, const uint32_t * allowed) {
    int32_t is_lost = 0;
    int32_t i       = 0;
    for (; i + 32 <= n; i += 32, ++allowed) {
        is_lost |= *allowed != UINT32_MAX ? forbid_word(x + i, 32, *allowed) : 0;
    }
    return (is_lost | (i < n ? forbid_word(x + i, n - i, *allowed) : 0)) != 0;
}

COBLYN_VERSIONS
bool find_peaks(const float * x, int32_t n, float * peaks, float * tops) {
    bool is_wrong = false;
    for (int32_t i = 0; i < n; i += chunk, peaks += lanes) {
        is_wrong |= peaks_of_chunk(x + i, std::min(chunk, n - i), peaks, tops++);
    }
    return is_wrong;
}

// In doubles: the best one is among the logits, so that their variance is at least the square of its distance from the mean,
// divided by `n`, and the difference of two sums from which it is computed loses no more than a factor of `n`.
COBLYN_VERSIONS
Moments moments(const float * x, int32_t n, float best) {
    constexpr int32_t width          = 16;
    double            below[width]   = {};
    double            squares[width] = {};
    int32_t           counts[width]  = {};
    const auto        add            = [&](float logit, int32_t j) {
        const bool   is_candidate = logit > minus_infinity;
        const double distance     = is_candidate ? best - logit : 0.0f;
        counts[j] += is_candidate;
        below[j] += distance;
        squares[j] += distance * distance;
    };
    int32_t i = 0;
    for (; i + width <= n; i += width) {
        for (int32_t j = 0; j < width; ++j) {
            add(x[i + j], j);
        }
    }
    for (; i < n; ++i) {
        add(x[i], i % width);
    }
    Moments all = {0, 0, 0};
    for (int32_t j = 0; j < width; ++j) {
        all.count += counts[j];
        all.below += below[j];
        all.squares += squares[j];
    }
    return all;
}

COBLYN_VERSIONS
double exponential_sums(const float * x, int32_t n, float shift, float scale, double * sums) {
    const float times = scale * log2_of_e;
    double      total = 0;
    for (int32_t start = 0; start < n; start += block) {
        const int32_t end         = std::min(n, start + block);
        float         part[lanes] = {};
        int32_t       i           = start;
        for (; i + lanes <= end; i += lanes) {
            for (int32_t j = 0; j < lanes; ++j) {
                part[j] += power_of_two((x[i + j] - shift) * times);
            }
        }
        for (; i < end; ++i) {
            part[i % lanes] += power_of_two((x[i] - shift) * times);
        }
        *sums = total_of(part);
        total += *sums++;
    }
    return total;
}

COBLYN_VERSIONS
void bend(const float * x, int32_t n, double factor, const Smoothing & curve, float * out) {
    bend_all(x, n, (float) factor, curve, out);
}

COBLYN_VERSIONS
void bend(const float * x, int32_t n, double factor, const Peak & curve, float * out) {
    bend_all(x, n, (float) factor, curve, out);
}

COBLYN_VERSIONS
Weighed weighed(const float * x, int32_t n, float shift, float scale) {
    const float times = scale * log2_of_e;
    Weighed     all   = {0, 0};
    for (int32_t start = 0; start < n; start += block) {
        const int32_t end         = std::min(n, start + block);
        float         mass[lanes] = {}, drops[lanes] = {};
        const auto    add         = [&](float logit, int32_t j) {
            const float power  = (logit - shift) * times;
            const float weight = power_of_two(power);
            mass[j] += weight;
            drops[j] -= weight * (power > -127.0f ? power : -127.0f);
        };
        int32_t i = start;
        for (; i + lanes <= end; i += lanes) {
            for (int32_t j = 0; j < lanes; ++j) {
                add(x[i + j], j);
            }
        }
        for (; i < end; ++i) {
            add(x[i], i % lanes);
        }
        all.mass += total_of(mass);
        all.drops += total_of(drops) / log2_of_e;
    }
    return all;
}

}  // namespace coblyn
