// ARM vectors of four numbers. What the two instruction sets share: activations, factors, and the conversion of sums to floats.

#pragma once

#include "attend.h"
#include "attend_one.h"
#include "driver.h"

#include <arm_neon.h>

namespace coblyn::kernels::COBLYN_ISA {

// 32 activations x = scale * code, with -127 <= code <= 127. `sums` are those of the codes of each half.
struct NeonRecord {
    int8_t  codes[32];
    float   scale;
    float   sum;
    int16_t sums[2];
    int32_t unused;
};

constexpr float kSmallest = 1e-35f;

struct Quad {
    using Float = float32x4_t;
    static constexpr int kLanes = 4;

    static Float load_float(const float * from) { return vld1q_f32(from); }
    static Float spread_float(float a) { return vdupq_n_f32(a); }
    static Float no_float() { return vdupq_n_f32(0); }
    static Float add(Float a, Float b) { return vaddq_f32(a, b); }
    static Float subtract(Float a, Float b) { return vsubq_f32(a, b); }
    static Float multiply(Float a, Float b) { return vmulq_f32(a, b); }
    static Float multiply_add(Float a, Float b, Float c) { return vfmaq_f32(c, a, b); }
    static Float greater(Float a, Float b) { return vmaxq_f32(a, b); }
    static void  store(float * to, Float a) { vst1q_f32(to, a); }
    // The sum of each of four vectors.
    static Float sums(const Float (&a)[4]) { return vpaddq_f32(vpaddq_f32(a[0], a[1]), vpaddq_f32(a[2], a[3])); }
    static Float widen_half(const uint16_t * from) { return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(from))); }
    // 2 to the power of whole numbers above -127.
    static Float power_of_two(Float n) {
        return vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(vcvtnq_s32_f32(n), vdupq_n_s32(127)), 23));
    }
    // 0 where `x` is below `limit`, otherwise `a`, also for NaN.
    static Float unless_below(Float x, Float limit, Float a) {
        return vreinterpretq_f32_u32(vbicq_u32(vreinterpretq_u32_f32(a), vcltq_f32(x, limit)));
    }
    static bool are_equal(Float a, Float b) { return vminvq_u32(vceqq_f32(a, b)) != 0; }
};

struct NeonBase {
    static constexpr int kRows        = 16;
    static constexpr int kFloatTokens = 4;

    template <class W> static constexpr int kTokens  = 4;
    template <class W> static constexpr int kStretch = 24;

    template <class W> using Record = NeonRecord;

    template <class W> struct Slab {
        alignas(64) int8_t codes[32 * kRows];  // less the offset
        float   scale[kRows];
        float   min[kRows];
        int32_t sub[2][kRows];
        int32_t submin[2][kRows];
    };

    static float greatest(const float * x) {
        uint32x4_t top = vdupq_n_u32(0);
        for (int i = 0; i < 32; i += 4) {
            top = vmaxq_u32(top, vreinterpretq_u32_f32(vabsq_f32(vld1q_f32(x + i))));
        }
        return bit_cast<float>(vmaxvq_u32(top));
    }

    template <class W> static void prepare(const float * from, NeonRecord & to) {
        const float top     = greatest(from);
        const float inverse = top < kSmallest ? 0 : 127 / top;
        to.scale            = top < kSmallest ? 0 : top / 127;
        for (int half = 0; half < 2; ++half) {
            int16x8_t words[2];
            for (int i = 0; i < 2; ++i) {
                const float * x = from + 16 * half + 8 * i;
                words[i] = vcombine_s16(vqmovn_s32(vcvtnq_s32_f32(vmulq_n_f32(vld1q_f32(x), inverse))),
                                        vqmovn_s32(vcvtnq_s32_f32(vmulq_n_f32(vld1q_f32(x + 4), inverse))));
            }
            const int8x16_t codes = vcombine_s8(vqmovn_s16(words[0]), vqmovn_s16(words[1]));
            vst1q_s8(to.codes + 16 * half, codes);
            to.sums[half] = vaddlvq_s8(codes);
        }
        to.sum = to.scale * (float) (to.sums[0] + to.sums[1]);
    }

    template <class W> static void put(const Factors & from, int row, Slab<W> & to) {
        to.scale[row] = from.scale;
        if constexpr (W::kHasMin) {
            to.min[row] = from.min;
        }
        for (int half = 0; half < 2; ++half) {
            if constexpr (W::kHasSub) {
                to.sub[half][row] = from.sub[half];
            }
            if constexpr (W::kHasSubMin) {
                to.submin[half][row] = from.submin[half];
            }
        }
    }

    // Sums of four rows (first `row`) for one token, scaled and added.
    template <class W>
    static inline float32x4_t add(const Slab<W> & slab, int row, const NeonRecord & act, int32x4_t sums, float32x4_t total) {
        const float32x4_t scale = vmulq_n_f32(vld1q_f32(slab.scale + row), act.scale);
        total                   = vfmaq_f32(total, vcvtq_f32_s32(sums), scale);
        if constexpr (W::kHasSubMin) {
            int32x4_t sum = vmulq_n_s32(vld1q_s32(slab.submin[0] + row), act.sums[0]);
            sum           = vmlaq_n_s32(sum, vld1q_s32(slab.submin[1] + row), act.sums[1]);
            total         = vfmaq_f32(total, vcvtq_f32_s32(sum), vmulq_n_f32(vld1q_f32(slab.min + row), act.scale));
        } else if constexpr (W::kHasMin) {
            total = vfmaq_n_f32(total, vld1q_f32(slab.min + row), act.sum);
        }
        return total;
    }

    template <class W> static void pack_float(const Job & job, int64_t first, int n, float * panel) {
        for (int row = 0; row < kRows; ++row) {
            const int       at   = row < job.rows ? row : job.rows - 1;
            const uint8_t * from = job.weights + at * job.row_bytes + 2 * first;
            for (int k = 0; k < n; ++k) {
                panel[kRows * k + row] = W::value(load<uint16_t>(from + 2 * k));
            }
        }
    }

    template <int T>
    static void tile_float(const float * panel, int n, const float * const * acts, float * const * outs, bool adds) {
        float32x4_t totals[T][4];
        for (int t = 0; t < T; ++t) {
            for (int r = 0; r < 4; ++r) {
                totals[t][r] = adds ? vld1q_f32(outs[t] + 4 * r) : vdupq_n_f32(0);
            }
        }
        for (int k = 0; k < n; ++k) {
            for (int r = 0; r < 4; ++r) {
                const float32x4_t w = vld1q_f32(panel + kRows * k + 4 * r);
                for (int t = 0; t < T; ++t) {
                    totals[t][r] = vfmaq_n_f32(totals[t][r], w, acts[t][k]);
                }
            }
        }
        for (int t = 0; t < T; ++t) {
            for (int r = 0; r < 4; ++r) {
                vst1q_f32(outs[t] + 4 * r, totals[t][r]);
            }
        }
    }
};

}  // namespace coblyn::kernels::COBLYN_ISA
