// AVX2 with FMA and F16C, without VNNI: bytes are multiplied into 16-bit sums.
//
// vpmaddubsw adds two products of an unsigned and a signed byte with saturation; vpaddw adds such pairs without.
// Codes of 0..63 never saturate (2 * 63 * 127 < 2^15). Sums of 16 bits may wrap in between, but only the final
// value matters: with codes on both sides of zero (code - offset, through the initial value of the sum) of magnitude at most 16
// over 32 values, or at most 32 over 16, it fits, since 16 * 127 * 16 and 32 * 127 * 8 are less than 2^15. So one
// vpmaddwd per slab (or half slab) is enough, and applies the factor of the half where there is one.
//
// Codes of 8 bits would saturate; they and their activations are widened to 16 bits, for vpmaddwd alone.

#if defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)

#define COBLYN_ISA avx2_code

#include "x86_float.h"

namespace coblyn::kernels::COBLYN_ISA {

struct Avx2 : X86Float<Ymm, 6> {
    static constexpr int kRows = 16;

    template <class W> static constexpr int kTokens  = 3;
    template <class W> static constexpr int kStretch = W::kIsSigned ? 16 : 24;


    template <class W> using Record = std::conditional_t<W::kIsSigned, WordRecord, ByteRecord>;

    // codes: for each 4 bytes (or 2 words) of a row, the 16 rows side by side.
    template <class W> struct Slab {
        alignas(64) uint8_t codes[W::kIsSigned ? 1024 : 512];
        alignas(64) float scale[kRows];
        alignas(64) float min[kRows];
        alignas(64) int32_t sub[2][kRows];   // the factor of a half, twice, in 16 bits
        alignas(64) int32_t submin[kRows];   // the two factors of the constant, 16 bits each
    };

    template <class W> static void prepare(const float * from, Record<W> & to) {
        __m256i low, high;
        to.scale = to_codes(from, low, high);
        if constexpr (W::kIsSigned) {
            _mm256_storeu_si256((__m256i *) to.codes, low);
            _mm256_storeu_si256((__m256i *) (to.codes + 16), high);
        } else {
            const __m256i codes = to_bytes(low, high);
            _mm256_storeu_si256((__m256i *) to.codes, codes);
            __m128i       sums  = pair_sums(codes);
            const int32_t halves[2] = { _mm_cvtsi128_si32(sums), _mm_extract_epi32(sums, 1) };
            if constexpr (W::kHasSubMin) {
                to.sums[0] = both(halves[0]);
                to.sums[1] = both(halves[1]);
            } else {
                to.sum = to.scale * (float) (both(halves[0]) + both(halves[1]));
            }
            if constexpr (W::kOffset != 0) {
                sums = _mm_mullo_epi16(sums, _mm_set1_epi16(-W::kOffset));
                if constexpr (!W::kHasSub) {
                    sums = _mm_add_epi16(sums, _mm_shuffle_epi32(sums, 0xb1));
                }
                to.start[0] = _mm_cvtsi128_si32(sums);
                to.start[1] = _mm_extract_epi32(sums, 1);
            }
        }
    }

    template <class W> static void put(const Factors & from, int row, Slab<W> & to) {
        to.scale[row] = from.scale;
        if constexpr (W::kHasMin) {
            to.min[row] = from.min;
        }
        if constexpr (W::kHasSub) {
            to.sub[0][row] = in_pair(from.sub[0], from.sub[0]);
            to.sub[1][row] = in_pair(from.sub[1], from.sub[1]);
        }
        if constexpr (W::kHasSubMin) {
            to.submin[row] = in_pair(from.submin[0], from.submin[1]);
        }
    }

    template <class W> static void pack(const int8_t * codes, size_t stride, Slab<W> & to) {
        for (int group = 0; group < kRows / 8; ++group, codes += 8 * stride) {
            if constexpr (W::kIsSigned) {
                alignas(32) int16_t wide[8][32];
                for (int row = 0; row < 8; ++row) {
                    for (int half = 0; half < 2; ++half) {
                        const __m128i bytes = _mm_loadu_si128((const __m128i *) (codes + row * stride + 16 * half));
                        _mm256_store_si256((__m256i *) &wide[row][16 * half], _mm256_cvtepi8_epi16(bytes));
                    }
                }
                for (int half = 0; half < 2; ++half) {
                    turn8((const int8_t *) &wide[0][16 * half], sizeof wide[0], to.codes + 512 * half + 32 * group, 64, 0);
                }
            } else {
                turn8(codes, stride, to.codes + 32 * group, 64, 0);
            }
        }
    }

    static __m256i spread(const void * from) { return _mm256_set1_epi32(load<int32_t>(from)); }

    // Sums of the products of half a slab (`half` < 2) or a whole one (2), as 32-bit numbers.
    template <class W, int T, int half>
    static COBLYN_INLINE void multiply(const Slab<W> & slab, const ByteRecord * const * acts, int s,
                                                               __m256i (&sums)[T][2]) {
        constexpr int first = half == 1 ? 4 : 0, last = half == 0 ? 4 : 8;
        __m256i       words[T][2];
        for (int t = 0; t < T; ++t) {
            words[t][0] = words[t][1] =
                W::kOffset == 0 ? _mm256_setzero_si256() : spread(&acts[t][s].start[half == 1]);
        }
        COBLYN_UNROLL
        for (int i = first; i < last; ++i) {
            const __m256i w0 = _mm256_load_si256((const __m256i *) (slab.codes + 64 * i));
            const __m256i w1 = _mm256_load_si256((const __m256i *) (slab.codes + 64 * i + 32));
            COBLYN_UNROLL
            for (int t = 0; t < T; ++t) {
                const __m256i a = spread(acts[t][s].codes + 4 * i);
                words[t][0]     = _mm256_add_epi16(words[t][0], _mm256_maddubs_epi16(w0, a));
                words[t][1]     = _mm256_add_epi16(words[t][1], _mm256_maddubs_epi16(w1, a));
                keep_order(words[t][0]);
                keep_order(words[t][1]);
            }
        }
        for (int r = 0; r < 2; ++r) {
            const __m256i factor =
                W::kHasSub ? _mm256_load_si256((const __m256i *) &slab.sub[half == 1][8 * r]) : _mm256_set1_epi16(1);
            for (int t = 0; t < T; ++t) {
                const __m256i sum = _mm256_madd_epi16(words[t][r], factor);
                sums[t][r]        = half == 1 ? _mm256_add_epi32(sums[t][r], sum) : sum;
            }
        }
    }

    template <class W, int T>
    static COBLYN_INLINE void multiply_words(const Slab<W> & slab, const WordRecord * const * acts,
                                                                     int s, __m256i (&sums)[T][2]) {
        for (int t = 0; t < T; ++t) {
            sums[t][0] = sums[t][1] = _mm256_setzero_si256();
        }
        COBLYN_UNROLL
        for (int i = 0; i < 16; ++i) {
            const __m256i w0 = _mm256_load_si256((const __m256i *) (slab.codes + 64 * i));
            const __m256i w1 = _mm256_load_si256((const __m256i *) (slab.codes + 64 * i + 32));
            COBLYN_UNROLL
            for (int t = 0; t < T; ++t) {
                const __m256i a = spread(acts[t][s].codes + 2 * i);
                sums[t][0]      = _mm256_add_epi32(sums[t][0], _mm256_madd_epi16(w0, a));
                sums[t][1]      = _mm256_add_epi32(sums[t][1], _mm256_madd_epi16(w1, a));
                keep_order(sums[t][0]);
                keep_order(sums[t][1]);
            }
        }
    }

    template <class W, int T>
    static void tile(const Slab<W> * panel, int n, const Record<W> * const * acts, float * const * outs, bool adds) {
        __m256 totals[T][2];
        for (int t = 0; t < T; ++t) {
            for (int r = 0; r < 2; ++r) {
                totals[t][r] = adds ? _mm256_loadu_ps(outs[t] + 8 * r) : _mm256_setzero_ps();
            }
        }
        for (int s = 0; s < n; ++s) {
            const Slab<W> & slab = panel[s];
            __m256i         sums[T][2];
            if constexpr (W::kIsSigned) {
                multiply_words<W, T>(slab, acts, s, sums);
            } else if constexpr (W::kHasSub) {
                multiply<W, T, 0>(slab, acts, s, sums);
                multiply<W, T, 1>(slab, acts, s, sums);
            } else {
                multiply<W, T, 2>(slab, acts, s, sums);
            }
            for (int r = 0; r < 2; ++r) {
                const __m256 scale = _mm256_load_ps(slab.scale + 8 * r);
                const __m256 min   = _mm256_load_ps(slab.min + 8 * r);
                for (int t = 0; t < T; ++t) {
                    const __m256 unit = _mm256_set1_ps(acts[t][s].scale);
                    totals[t][r]      = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sums[t][r]), _mm256_mul_ps(scale, unit), totals[t][r]);
                    if constexpr (W::kHasSubMin) {
                        const __m256i factors = _mm256_load_si256((const __m256i *) (slab.submin + 8 * r));
                        const __m256i sum     = _mm256_madd_epi16(factors, spread(acts[t][s].sums));
                        totals[t][r] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sum), _mm256_mul_ps(min, unit), totals[t][r]);
                    } else if constexpr (W::kHasMin) {
                        totals[t][r] = _mm256_fmadd_ps(min, _mm256_set1_ps(acts[t][s].sum), totals[t][r]);
                    }
                }
            }
        }
        for (int t = 0; t < T; ++t) {
            for (int r = 0; r < 2; ++r) {
                _mm256_storeu_ps(outs[t] + 8 * r, totals[t][r]);
            }
        }
    }
};

}  // namespace coblyn::kernels::COBLYN_ISA

namespace coblyn::kernels {

const InstructionSet * avx2() {
    static const InstructionSet set = [] {
        InstructionSet made{};
        made.name = "AVX2";
        avx2_code::add_quantized<avx2_code::Avx2>(made);
        avx2_code::add_floats<avx2_code::Avx2>(made);
        made.attention = avx2_code::Attend<avx2_code::Ymm, 6>::attention();
        made.attention_of_one = avx2_code::AttendOne<avx2_code::Ymm>::attention();
        return made;
    }();
    return &set;
}

}  // namespace coblyn::kernels

#else

#include "kernel.h"

namespace coblyn::kernels {

const InstructionSet * avx2() {
    return nullptr;
}

}  // namespace coblyn::kernels

#endif
