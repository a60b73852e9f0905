// The instruction vpdpbusd: four products of unsigned and signed bytes added to a 32-bit number, without saturation.
// For vectors of 8 (AVX-VNNI) or 16 (AVX-512 VNNI).
//
// Codes of weights are unsigned; signed codes get 128 added, which counts as an offset like any other.

#pragma once

#include "x86_float.h"

namespace coblyn::kernels::COBLYN_ISA {

template <class V, int tokens, int float_tokens> struct Vnni : X86Float<V, float_tokens> {
    static constexpr int kRows = 2 * V::kLanes;

    template <class W> static constexpr int kTokens  = tokens;
    template <class W> static constexpr int kStretch = 24;
    template <class W> static constexpr int kOffset  = W::kIsSigned ? 128 : W::kOffset;

    template <class W> using Record = ByteRecord;

    // codes: for each 4 bytes of a row, the rows of the panel side by side.
    template <class W> struct Slab {
        alignas(64) uint8_t codes[32 * kRows];
        alignas(64) float scale[kRows];
        alignas(64) float min[kRows];
        alignas(64) int32_t sub[2][kRows];
        alignas(64) int32_t submin[kRows];  // the two factors of the constant, 16 bits each
    };

    template <class W> static void prepare(const float * from, ByteRecord & to) {
        __m256i low, high;
        to.scale            = to_codes(from, low, high);
        const __m256i codes = to_bytes(low, high);
        _mm256_storeu_si256((__m256i *) to.codes, codes);
        const __m128i sums      = pair_sums(codes);
        const int32_t halves[2] = { both(_mm_cvtsi128_si32(sums)), both(_mm_extract_epi32(sums, 1)) };
        if constexpr (W::kHasSubMin) {
            to.sums[0] = (int16_t) halves[0];
            to.sums[1] = (int16_t) halves[1];
        } else {
            to.sum = to.scale * (float) (halves[0] + halves[1]);
        }
        to.start[0] = -kOffset<W> * (W::kHasSub ? halves[0] : halves[0] + halves[1]);
        to.start[1] = -kOffset<W> * halves[1];
    }

    template <class W> static void put(const Factors & from, int row, Slab<W> & to) {
        to.scale[row] = from.scale;
        if constexpr (W::kHasMin) {
            to.min[row] = from.min;
        }
        if constexpr (W::kHasSub) {
            to.sub[0][row] = from.sub[0];
            to.sub[1][row] = from.sub[1];
        }
        if constexpr (W::kHasSubMin) {
            to.submin[row] = in_pair(from.submin[0], from.submin[1]);
        }
    }

    template <class W> static void pack(const int8_t * codes, size_t stride, Slab<W> & to) {
        for (int row = 0; row < kRows; row += 8) {
            turn8(codes + row * stride, stride, to.codes + 4 * row, 4 * kRows, W::kIsSigned ? 0x80 : 0);
        }
    }

    // Sums of the products of half a slab (`half` < 2) or a whole one (2).
    template <class W, int T, int half>
    static COBLYN_INLINE void multiply(const Slab<W> & slab, const ByteRecord * const * acts, int s,
                                       typename V::Int (&sums)[T][2]) {
        constexpr int first = half == 1 ? 4 : 0, last = half == 0 ? 4 : 8;
        for (int t = 0; t < T; ++t) {
            sums[t][0] = sums[t][1] =
                kOffset<W> == 0 ? V::no_int() : V::spread_int(&acts[t][s].start[half == 1]);
        }
        COBLYN_UNROLL
        for (int i = first; i < last; ++i) {
            const auto w0 = V::load_int(slab.codes + 4 * kRows * i);
            const auto w1 = V::load_int(slab.codes + 4 * kRows * i + 4 * V::kLanes);
            COBLYN_UNROLL
            for (int t = 0; t < T; ++t) {
                const auto a = V::spread_int(acts[t][s].codes + 4 * i);
                sums[t][0]   = V::dot(sums[t][0], w0, a);
                sums[t][1]   = V::dot(sums[t][1], w1, a);
            }
        }
    }

    template <class W, int T>
    static COBLYN_INLINE void multiply_slab(const Slab<W> & slab, const ByteRecord * const * acts, int s,
                                            typename V::Int (&sums)[T][2]) {
        if constexpr (!W::kHasSub) {
            multiply<W, T, 2>(slab, acts, s, sums);
        } else {
            typename V::Int second[T][2];
            multiply<W, T, 0>(slab, acts, s, sums);
            for (int t = 0; t < T; ++t) {
                for (int r = 0; r < 2; ++r) {
                    sums[t][r] = V::multiply(sums[t][r], V::load_int(&slab.sub[0][V::kLanes * r]));
                }
            }
            multiply<W, T, 1>(slab, acts, s, second);
            for (int t = 0; t < T; ++t) {
                for (int r = 0; r < 2; ++r) {
                    const auto factor = V::load_int(&slab.sub[1][V::kLanes * r]);
                    sums[t][r]        = V::add(sums[t][r], V::multiply(second[t][r], factor));
                }
            }
        }
    }

    // `total` plus what a slab's rows from `row` on contribute: their sums of products, scaled, and the weights' constant.
    template <class W>
    static COBLYN_INLINE typename V::Float add_scaled(const Slab<W> & slab, int row, const ByteRecord & act,
                                                      typename V::Float scale, typename V::Float sums, typename V::Float total) {
        const auto unit = V::spread_float(act.scale);
        total           = V::multiply_add(sums, V::multiply(scale, unit), total);
        if constexpr (W::kHasSubMin) {
            const auto sum = V::multiply_pairs(V::load_int(slab.submin + row), V::spread_int(act.sums));
            const auto min = V::multiply(V::load_float(slab.min + row), unit);
            return V::multiply_add(V::to_float(sum), min, total);
        } else if constexpr (W::kHasMin) {
            return V::multiply_add(V::load_float(slab.min + row), V::spread_float(act.sum), total);
        } else {
            return total;
        }
    }

    template <class W, int T>
    static void tile(const Slab<W> * panel, int n, const ByteRecord * const * acts, float * const * outs, bool adds) {
        typename V::Float totals[T][2];
        for (int t = 0; t < T; ++t) {
            for (int r = 0; r < 2; ++r) {
                totals[t][r] = adds ? V::load_float(outs[t] + V::kLanes * r) : V::no_float();
            }
        }
        for (int s = 0; s < n; ++s) {
            const Slab<W> & slab = panel[s];
            typename V::Int sums[T][2];
            multiply_slab<W, T>(slab, acts, s, sums);
            for (int r = 0; r < 2; ++r) {
                const int  row   = V::kLanes * r;
                const auto scale = V::load_float(slab.scale + row);
                for (int t = 0; t < T; ++t) {
                    totals[t][r] = add_scaled<W>(slab, row, acts[t][s], scale, V::to_float(sums[t][r]), totals[t][r]);
                }
            }
        }
        for (int t = 0; t < T; ++t) {
            for (int r = 0; r < 2; ++r) {
                V::store(outs[t] + V::kLanes * r, totals[t][r]);
            }
        }
    }
};

}  // namespace coblyn::kernels::COBLYN_ISA
