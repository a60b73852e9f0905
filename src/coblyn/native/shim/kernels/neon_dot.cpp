// 64-bit ARM with the dot product.

#if defined(__aarch64__) && defined(__ARM_FEATURE_DOTPROD)

#define COBLYN_ISA neon_dot_code

#include "neon.h"

namespace coblyn::kernels::COBLYN_ISA {

// The instruction sdot adds four products of signed bytes to each of four numbers. Codes: for each 4 bytes of
// a row, the 16 rows side by side; the four bytes of a token are a lane.
struct NeonDot : NeonBase {
    template <class W> static void pack(const int8_t * codes, size_t stride, Slab<W> & to) {
        const int8x16_t offset = vdupq_n_s8(W::kOffset);
        for (int row = 0; row < kRows; row += 4) {
            for (int half = 0; half < 2; ++half) {
                int32x4_t r[4];
                for (int i = 0; i < 4; ++i) {
                    const int8x16_t bytes = vld1q_s8(codes + (row + i) * stride + 16 * half);
                    r[i]                  = vreinterpretq_s32_s8(vsubq_s8(bytes, offset));
                }
                const int32x4_t a = vtrn1q_s32(r[0], r[1]), b = vtrn2q_s32(r[0], r[1]);
                const int32x4_t c = vtrn1q_s32(r[2], r[3]), d = vtrn2q_s32(r[2], r[3]);
                put4(to.codes, 4 * half + 0, row, vcombine_s32(vget_low_s32(a), vget_low_s32(c)));
                put4(to.codes, 4 * half + 1, row, vcombine_s32(vget_low_s32(b), vget_low_s32(d)));
                put4(to.codes, 4 * half + 2, row, vcombine_s32(vget_high_s32(a), vget_high_s32(c)));
                put4(to.codes, 4 * half + 3, row, vcombine_s32(vget_high_s32(b), vget_high_s32(d)));
            }
        }
    }

    static void put4(int8_t * codes, int group, int row, int32x4_t values) {
        vst1q_s8(codes + 4 * kRows * group + 4 * row, vreinterpretq_s8_s32(values));
    }

    // Four groups of 4 values: half a slab.
    template <int T> static inline void multiply(const int8_t * codes, const int8x16_t (&acts)[T], int32x4_t (&sums)[T][4]) {
        for (int r = 0; r < 4; ++r) {
            const int8_t *  at = codes + 16 * r;
            const int8x16_t w0 = vld1q_s8(at), w1 = vld1q_s8(at + 4 * kRows);
            const int8x16_t w2 = vld1q_s8(at + 8 * kRows), w3 = vld1q_s8(at + 12 * kRows);
            for (int t = 0; t < T; ++t) {
                sums[t][r] = vdotq_laneq_s32(sums[t][r], w0, acts[t], 0);
                sums[t][r] = vdotq_laneq_s32(sums[t][r], w1, acts[t], 1);
                sums[t][r] = vdotq_laneq_s32(sums[t][r], w2, acts[t], 2);
                sums[t][r] = vdotq_laneq_s32(sums[t][r], w3, acts[t], 3);
            }
        }
    }

    template <class W, int T>
    static void tile(const Slab<W> * panel, int n, const NeonRecord * const * acts, float * const * outs, bool adds) {
        float32x4_t totals[T][4];
        for (int t = 0; t < T; ++t) {
            for (int r = 0; r < 4; ++r) {
                totals[t][r] = adds ? vld1q_f32(outs[t] + 4 * r) : vdupq_n_f32(0);
            }
        }
        for (int s = 0; s < n; ++s) {
            const Slab<W> & slab          = panel[s];
            int32x4_t       sums[T][4]    = {};
            for (int half = 0; half < 2; ++half) {
                int8x16_t codes[T];
                int32x4_t part[T][4] = {};
                for (int t = 0; t < T; ++t) {
                    codes[t] = vld1q_s8(acts[t][s].codes + 16 * half);
                }
                if constexpr (W::kHasSub) {
                    multiply<T>(slab.codes + 16 * kRows * half, codes, part);
                    for (int t = 0; t < T; ++t) {
                        for (int r = 0; r < 4; ++r) {
                            sums[t][r] = vmlaq_s32(sums[t][r], part[t][r], vld1q_s32(slab.sub[half] + 4 * r));
                        }
                    }
                } else {
                    multiply<T>(slab.codes + 16 * kRows * half, codes, sums);
                }
            }
            for (int t = 0; t < T; ++t) {
                for (int r = 0; r < 4; ++r) {
                    totals[t][r] = add<W>(slab, 4 * r, acts[t][s], sums[t][r], totals[t][r]);
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

namespace coblyn::kernels {

const InstructionSet * neon_dot() {
    static const InstructionSet set = [] {
        InstructionSet made{};
        made.name = "NEON dot product";
        neon_dot_code::add_quantized<neon_dot_code::NeonDot>(made);
        neon_dot_code::add_floats<neon_dot_code::NeonDot>(made);
        made.attention = neon_dot_code::Attend<neon_dot_code::Quad, 12>::attention();
        made.attention_of_one = neon_dot_code::AttendOne<neon_dot_code::Quad>::attention();
        return made;
    }();
    return &set;
}

}  // namespace coblyn::kernels

#else

#include "kernel.h"

namespace coblyn::kernels {

const InstructionSet * neon_dot() {
    return nullptr;
}

}  // namespace coblyn::kernels

#endif
