// 64-bit ARM with products of small matrices of bytes.

#if defined(__aarch64__) && defined(__ARM_FEATURE_MATMUL_INT8)

#define COBLYN_ISA neon_i8mm_code

#include "neon.h"

namespace coblyn::kernels::COBLYN_ISA {

// The instruction smmla multiplies two rows of 8 signed bytes by two others: four numbers. Codes: for each 8 bytes of a row,
// the 16 rows side by side, so that a vector holds two of them; two tokens make up the other operand.
struct NeonMatrix : NeonBase {
    template <class W> static void pack(const int8_t * codes, size_t stride, Slab<W> & to) {
        const int8x8_t offset = vdup_n_s8(W::kOffset);
        for (int row = 0; row < kRows; ++row) {
            for (int i = 0; i < 4; ++i) {
                vst1_s8(to.codes + 8 * kRows * i + 8 * row, vsub_s8(vld1_s8(codes + row * stride + 8 * i), offset));
            }
        }
    }

    // The sums of a pair of rows (in halves of the result) for a pair of tokens.
    static inline int32x4_t multiply(const int8_t * codes, int first, const int8x16_t * acts) {
        int32x4_t sums = vmmlaq_s32(vdupq_n_s32(0), vld1q_s8(codes + 8 * kRows * first), acts[first]);
        return vmmlaq_s32(sums, vld1q_s8(codes + 8 * kRows * (first + 1)), acts[first + 1]);
    }

    // Rows a, b of tokens 0, 1 and rows c, d of the same -> four rows of one token.
    static inline int32x4_t of_token(int32x4_t ab, int32x4_t cd, int token) {
        return token == 0 ? vuzp1q_s32(ab, cd) : vuzp2q_s32(ab, cd);
    }

    // Two tokens; `second` may be the first again.
    template <class W>
    static inline void pair(const Slab<W> & slab, const NeonRecord & first, const NeonRecord & second,
                            float32x4_t (&totals)[2][4], int tokens) {
        int8x16_t acts[4];
        for (int i = 0; i < 4; ++i) {
            acts[i] = vcombine_s8(vld1_s8(first.codes + 8 * i), vld1_s8(second.codes + 8 * i));
        }
        for (int r = 0; r < 4; ++r) {
            const int8_t *  codes = slab.codes + 32 * r;
            const int32x4_t ab = multiply(codes, 0, acts), cd = multiply(codes + 16, 0, acts);
            const int32x4_t ef = multiply(codes, 2, acts), gh = multiply(codes + 16, 2, acts);
            for (int t = 0; t < tokens; ++t) {
                int32x4_t low = of_token(ab, cd, t), high = of_token(ef, gh, t);
                if constexpr (W::kHasSub) {
                    low  = vmulq_s32(low, vld1q_s32(slab.sub[0] + 4 * r));
                    high = vmulq_s32(high, vld1q_s32(slab.sub[1] + 4 * r));
                }
                totals[t][r] = add<W>(slab, 4 * r, t == 0 ? first : second, vaddq_s32(low, high), totals[t][r]);
            }
        }
    }

    template <class W, int T>
    static void tile(const Slab<W> * panel, int n, const NeonRecord * const * acts, float * const * outs, bool adds) {
        for (int t = 0; t < T; t += 2) {
            const int   tokens = t + 1 < T ? 2 : 1;
            float32x4_t totals[2][4];
            for (int i = 0; i < 2; ++i) {
                for (int r = 0; r < 4; ++r) {
                    totals[i][r] = adds && i < tokens ? vld1q_f32(outs[t + i] + 4 * r) : vdupq_n_f32(0);
                }
            }
            for (int s = 0; s < n; ++s) {
                pair<W>(panel[s], acts[t][s], acts[t + tokens - 1][s], totals, tokens);
            }
            for (int i = 0; i < tokens; ++i) {
                for (int r = 0; r < 4; ++r) {
                    vst1q_f32(outs[t + i] + 4 * r, totals[i][r]);
                }
            }
        }
    }
};

}  // namespace coblyn::kernels::COBLYN_ISA

namespace coblyn::kernels {

const InstructionSet * neon_i8mm() {
    static const InstructionSet set = [] {
        InstructionSet made{};
        made.name = "NEON i8mm";
        neon_i8mm_code::add_quantized<neon_i8mm_code::NeonMatrix>(made);
        neon_i8mm_code::add_floats<neon_i8mm_code::NeonMatrix>(made);
        made.attention = neon_i8mm_code::Attend<neon_i8mm_code::Quad, 12>::attention();
        made.attention_of_one = neon_i8mm_code::AttendOne<neon_i8mm_code::Quad>::attention();
        return made;
    }();
    return &set;
}

}  // namespace coblyn::kernels

#else

#include "kernel.h"

namespace coblyn::kernels {

const InstructionSet * neon_i8mm() {
    return nullptr;
}

}  // namespace coblyn::kernels

#endif
