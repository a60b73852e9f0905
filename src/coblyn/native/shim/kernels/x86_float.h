// Products of F16 and BF16 weights in single precision: weights are widened into the panel, activations are taken
// as they are. A panel is two vectors of rows for each value of a row.

#pragma once

#include "attend.h"
#include "attend_one.h"
#include "driver.h"
#include "vector.h"

namespace coblyn::kernels::COBLYN_ISA {

template <class V, int tokens> struct X86Float {
    static constexpr int kRows        = 2 * V::kLanes;
    static constexpr int kFloatTokens = tokens;

    template <class W> static __m256 widen(const uint16_t * from) {
        const __m128i bits = _mm_loadu_si128((const __m128i *) from);
        if constexpr (W::kType == F16::kType) {
            return _mm256_cvtph_ps(bits);
        } else {
            return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16));
        }
    }

    template <class W> static void pack_float(const Job & job, int64_t first, int n, float * panel) {
        for (int row = 0; row < kRows; row += 8) {
            const uint16_t * rows[8];
            for (int i = 0; i < 8; ++i) {
                const int at = row + i < job.rows ? row + i : job.rows - 1;
                rows[i]      = (const uint16_t *) (job.weights + at * job.row_bytes) + first;
            }
            int k = 0;
            for (; k + 8 <= n; k += 8) {
                alignas(32) float wide[8][8];
                for (int i = 0; i < 8; ++i) {
                    _mm256_store_ps(wide[i], widen<W>(rows[i] + k));
                }
                turn8((const int8_t *) wide, sizeof wide[0], (uint8_t *) (panel + kRows * k + row), 4 * kRows, 0);
            }
            for (; k < n; ++k) {
                for (int i = 0; i < 8; ++i) {
                    panel[kRows * k + row + i] = W::value(load<uint16_t>(rows[i] + k));
                }
            }
        }
    }

    template <int T>
    static void tile_float(const float * panel, int n, const float * const * acts, float * const * outs, bool adds) {
        typename V::Float totals[T][2];
        for (int t = 0; t < T; ++t) {
            for (int r = 0; r < 2; ++r) {
                totals[t][r] = adds ? V::load_float(outs[t] + V::kLanes * r) : V::no_float();
            }
        }
        for (int k = 0; k < n; ++k) {
            const auto w0 = V::load_float(panel + kRows * k), w1 = V::load_float(panel + kRows * k + V::kLanes);
            for (int t = 0; t < T; ++t) {
                const auto a = V::spread_float(acts[t][k]);
                totals[t][0] = V::multiply_add(w0, a, totals[t][0]);
                totals[t][1] = V::multiply_add(w1, a, totals[t][1]);
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
