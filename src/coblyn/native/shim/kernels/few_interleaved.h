// Products of a few tokens with weights as ggml repacks them: eight rows in one block, 8 bytes of each lying side by
// side. A vector of 64 bytes holds two sums of four products for each row.

#pragma once

#include "few.h"

namespace coblyn::kernels::COBLYN_ISA {

// 32 activations in signed bytes; `constant` is the sum of the activations times the offset to add to a code.
struct FewSlab {
    int8_t codes[32];
    float  scale;
    float  constant;
};

// Eight numbers, each twice.
inline __m512 in_pairs(__m256 eight) {
    const __m512i twice = _mm512_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7);
    return _mm512_permutexvar_ps(twice, _mm512_castps256_ps512(eight));
}

// The sums of the pairs.
inline __m256 of_pairs(__m512 sixteen) {
    const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 0, 0, 0, 0, 0, 0, 0, 0);
    const __m512i odd  = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 0, 0, 0, 0, 0, 0, 0, 0);
    return _mm512_castps512_ps256(_mm512_add_ps(_mm512_permutexvar_ps(even, sixteen), _mm512_permutexvar_ps(odd, sixteen)));
}

inline __m256 eight_halves(const uint8_t * at) {
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *) at));
}

// Products of four vectors of codes with 32 activations.
inline __m512i dot_slab(const __m512i * codes, const FewSlab & act) {
    __m512i sum = _mm512_setzero_si512();
    COBLYN_UNROLL
    for (int i = 0; i < 4; ++i) {
        sum = _mm512_dpbusd_epi32(sum, codes[i], _mm512_set1_epi64(load<int64_t>(act.codes + 8 * i)));
    }
    return sum;
}

inline __m512i low_halves(__m512i pairs) {
    return _mm512_and_si512(pairs, _mm512_set1_epi8(15));
}

inline __m512i high_halves(__m512i pairs) {
    return low_halves(_mm512_srli_epi16(pairs, 4));
}

// Eight halves, then the codes, whose highest bits are flipped: 8 bytes of each row, twice.
struct FewInterleavedQ4_0 {
    static constexpr int kSlabs = 1, kBytes = 8 * Q4_0::kBytes;

    static float constant(float sum) { return -4 * sum; }  // of each of the pair

    template <int T> static COBLYN_INLINE void add(const uint8_t * at, const FewSlab * const * acts, int64_t slab, __m512 * totals, __m512 *) {
        const __m512i flipped = _mm512_set1_epi8((char) 0x88);
        const __m512i first = _mm512_xor_si512(_mm512_loadu_si512(at + 16), flipped);
        const __m512i second = _mm512_xor_si512(_mm512_loadu_si512(at + 80), flipped);
        const __m512i codes[4] = { low_halves(first), low_halves(second), high_halves(first), high_halves(second) };
        const __m512  scale = in_pairs(eight_halves(at));
        for (int t = 0; t < T; ++t) {
            const FewSlab & act = acts[t][slab];
            totals[t] = _mm512_fmadd_ps(scale, _mm512_set1_ps(act.constant), totals[t]);
            totals[t] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dot_slab(codes, act)), _mm512_mul_ps(scale, _mm512_set1_ps(act.scale)), totals[t]);
        }
    }
};

// Eight d, eight dmin, for each slab 12 bytes with the rows' scales and constants, then 8 bytes of each row, 16 times.
struct FewInterleavedQ4_K {
    static constexpr int kSlabs = 8, kBytes = 8 * Q4_K::kBytes;

    static float constant(float sum) { return sum; }

    template <int T> static COBLYN_INLINE void add(const uint8_t * at, const FewSlab * const * acts, int64_t slab, __m512 * totals, __m512 * mins) {
        const __m512 scale = in_pairs(eight_halves(at));
        // In the upper half, where the constants are.
        const __m256 min_scale = _mm256_sub_ps(_mm256_setzero_ps(), eight_halves(at + 16));
        const __m512 min       = _mm512_castpd_ps(_mm512_insertf64x4(_mm512_setzero_pd(), _mm256_castps_pd(min_scale), 1));
        for (int pair = 0; pair < 4; ++pair) {
            __m512i pairs[4], codes[4];
            for (int i = 0; i < 4; ++i) {
                pairs[i] = _mm512_loadu_si512(at + 128 + 64 * (4 * pair + i));
            }
            for (int half = 0; half < 2; ++half) {
                const int    s      = 2 * pair + half;
                const __m512 both   = six_bits(at + 32 + 12 * s);  // of the rows
                const __m512 scales = _mm512_mul_ps(in_pairs(_mm512_castps512_ps256(both)), scale);
                const __m512 min_of_slab = _mm512_mul_ps(both, min);
                for (int i = 0; i < 4; ++i) {
                    codes[i] = half == 0 ? low_halves(pairs[i]) : high_halves(pairs[i]);
                }
                for (int t = 0; t < T; ++t) {
                    const FewSlab & act = acts[t][slab + s];
                    mins[t]   = _mm512_fmadd_ps(min_of_slab, _mm512_set1_ps(act.constant), mins[t]);
                    totals[t] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dot_slab(codes, act)), _mm512_mul_ps(scales, _mm512_set1_ps(act.scale)), totals[t]);
                }
            }
        }
    }
};

template <class L> struct FewInterleaved {
    static void prepare(const float * from, int64_t length, void * to) {
        for (FewSlab * slab = (FewSlab *) to; length > 0; ++slab, from += 32, length -= 32) {
            __m256i low, high;
            slab->scale         = to_codes(from, low, high);
            const __m256i codes = to_bytes(low, high);
            const __m128i sums  = pair_sums(codes);
            _mm256_storeu_si256((__m256i *) slab->codes, codes);
            slab->constant = L::constant(slab->scale * (float) (both(_mm_cvtsi128_si32(sums)) + both(_mm_extract_epi32(sums, 1))));
        }
    }

    template <int T> static void rows(const Job & job, int token) {
        const FewSlab * acts[T];
        for (int t = 0; t < T; ++t) {
            acts[t] = (const FewSlab *) job.acts[token + t];
        }
        for (int row = 0; row < job.rows; row += 8) {
            const uint8_t * at = job.weights + row * job.row_bytes;
            __m512          totals[T], mins[T];
            for (int t = 0; t < T; ++t) {
                totals[t] = mins[t] = _mm512_setzero_ps();
            }
            for (int64_t slab = 0; slab < job.length / 32; slab += L::kSlabs, at += L::kBytes) {
                prefetch((const char *) at + job.ahead, L::kBytes);
                L::template add<T>(at, acts, slab, totals, mins);
            }
            for (int t = 0; t < T; ++t) {
                const __m256 constant = _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(mins[t]), 1));
                _mm256_storeu_ps(job.outs[token + t] + row, _mm256_add_ps(of_pairs(totals[t]), constant));
            }
        }
    }

    static void run(const Job & job) { run_in_fours<FewInterleaved>(job); }

    static constexpr Kernel kernel() { return { 8, sizeof(FewSlab), 0, 32 * L::kSlabs, true, prepare, run, 256, true }; }
};

inline void add_few_interleaved(InstructionSet & set) {
    set.few_interleaved[Q4_0::kType] = FewInterleaved<FewInterleavedQ4_0>::kernel();
    set.few_interleaved[Q4_K::kType] = FewInterleaved<FewInterleavedQ4_K>::kernel();
}

}  // namespace coblyn::kernels::COBLYN_ISA
