// What both kinds of attention need: the exponential function, and rows as floats.

#pragma once

#include "bits.h"
#include "kernel.h"

#include <cstddef>
#include <initializer_list>

namespace coblyn::kernels::COBLYN_ISA {

// e to the x for x <= 0, relative error below 3e-7; 0 below -87, NaN for NaN.
template <class V> inline typename V::Float exponential(typename V::Float x) {
    using Float         = typename V::Float;
    const Float limit   = V::spread_float(-87.0f);
    const Float clamped = V::greater(limit, x);
    const Float magic   = V::spread_float(12582912.0f);  // adding 1.5 * 2^23 rounds to an integer
    const Float n       = V::subtract(V::multiply_add(clamped, V::spread_float(1.44269504f), magic), magic);
    Float       r       = V::multiply_add(n, V::spread_float(-0.693359375f), clamped);
    r                   = V::multiply_add(n, V::spread_float(2.12194440e-4f), r);
    Float p             = V::spread_float(1.9875691500e-4f);  // minimax polynomial of Cephes' expf
    for (const float c : { 1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f }) {
        p = V::multiply_add(p, r, V::spread_float(c));
    }
    p = V::multiply_add(V::multiply(p, r), r, V::add(r, V::spread_float(1.0f)));
    return V::unless_below(x, limit, V::multiply(p, V::power_of_two(n)));
}

// A cell's numbers to floats.
template <class V> inline void widen_row(const char * from, const AttentionCells & cells, float * to) {
    if (cells.widen != nullptr) {
        cells.widen(from, to, cells.length);
        return;
    }
    const uint16_t * halves = (const uint16_t *) from;
    const int        length = cells.length;  // a vector store might alias this, as far as the compiler knows
    int              i      = 0;
    for (; i + V::kLanes <= length; i += V::kLanes) {
        V::store(to + i, V::widen_half(halves + i));
    }
    for (; i < length; ++i) {
        to[i] = half_to_float(halves[i]);
    }
}

}  // namespace coblyn::kernels::COBLYN_ISA
