// Straight loops over all logits of a row: what costs time with a large vocabulary. In a build for other machines they are compiled
// for several instruction sets, and the processor decides which are run.

#pragma once

#include "softmax.h"

#include <cmath>
#include <cstddef>

namespace coblyn {

constexpr int32_t lanes = 32;          // with 16, exponentials take 2.5 times as long
constexpr int32_t chunk = 32 * lanes;  // of so many logits each lane has one best
constexpr int32_t block = 4096;        // short float sums keep their precision

inline size_t n_parts(int32_t n, int32_t size) {
    return (size_t) (n + size - 1) / size;
}

// The best of each lane of each chunk, `lanes` per chunk, and that of each chunk. Returns whether a logit is NaN.
bool find_peaks(const float * x, int32_t n, float * peaks, float * tops);

// Sums over the logits above minus infinity.
struct Moments {
    double count;
    double below;    // of their distances below the best one
    double squares;  // of those squared
};

Moments moments(const float * x, int32_t n, float best);

// A mean over a distribution, in parts.
struct Weighed {
    double mass;   // sum of the weights
    double drops;  // sum of weights times distances below the best logit
};

// exp((x - shift) * scale), summed over each block. Returns the sum of all.
double exponential_sums(const float * x, int32_t n, float shift, float scale, double * sums);

// The same sum over all logits, and each term times the distance, (shift - x) * scale, from the best one. Distances count up to 88.
Weighed weighed(const float * x, int32_t n, float shift, float scale);

// What smoothing makes of a logit, x below the best one: best - (square * x^2 - cube * x^3).
struct Smoothing {
    double best, square, cube;

    float operator()(float logit) const {
        const double x = logit - best;
        return bounded(best - (square - cube * x) * x * x);
    }
};

// What adaptive-p makes of a logit: the highest one where its probability, exp(logit - best) * scale, is the one aimed at. Both are
// in units of the width of that peak.
struct Peak {
    float best, scale, aim;

    float operator()(float logit) const {
        constexpr float height = 5, sharpness = 10;
        const float     distance = std::fabs(exponential(logit - best) * scale - aim);
        return height - sharpness * distance * distance / (1 + distance);
    }
};

// Of logits times a factor: what a curve makes of those above minus infinity.
void bend(const float * x, int32_t n, double factor, const Smoothing & curve, float * out);
void bend(const float * x, int32_t n, double factor, const Peak & curve, float * out);

// Make the logits minus infinity whose bits, in words of 32, lowest first, are not set. Returns whether one was not that before.
bool forbid(float * x, int32_t n, const uint32_t * allowed);

}  // namespace coblyn
