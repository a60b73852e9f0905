// What the x86 instruction sets share: activations in signed bytes, and the transposition of rows into panels.

#pragma once

#include "weight.h"

#include <immintrin.h>

#if defined(COBLYN_EMULATED)
// Each instruction is a loop there, and compiling takes minutes already.
#define COBLYN_INLINE inline
#define COBLYN_UNROLL
#elif defined(__GNUC__)
#define COBLYN_INLINE inline __attribute__((always_inline))
#define COBLYN_UNROLL _Pragma("GCC unroll 16")
#else
#define COBLYN_INLINE __forceinline
#define COBLYN_UNROLL
#endif

namespace coblyn::kernels::COBLYN_ISA {

// Sums have to be formed one after the other: GCC tends to form all products first, and runs out of registers.
template <class Vector> inline void keep_order([[maybe_unused]] Vector & sum) {
#if defined(__GNUC__)
    __asm__("" : "+x"(sum));
#endif
}

// 32 activations x = scale * code, with -127 <= code <= 127.
//
// Codes of weights are unsigned here: the multiply instructions take one unsigned and one signed operand. The
// start is the initial value of a sum of products, chosen so that it ends as one with (code - offset): minus offset
// times the sum of the activations' codes. How it is split depends on the instruction set.
//
// `sum` is what a constant of the weights is multiplied by: the sum of the activations, or, as two 16-bit
// numbers, the sums of the codes of each half.
struct ByteRecord {
    int8_t  codes[32];
    float   scale;
    union { float sum; int16_t sums[2]; };
    int32_t start[2];
};

// The same in 16 bits, for weights that use all 8.
struct WordRecord {
    int16_t codes[32];
    float   scale;
    float   unused[3];
};

// The maximum magnitude of 32 floats; NaN counts as more than infinity.
inline float greatest(const float * x) {
    const __m256i mask = _mm256_set1_epi32(0x7fffffff);
    const auto    bits = [&](int i) { return _mm256_and_si256(_mm256_loadu_si256((const __m256i *) (x + i)), mask); };
    const __m256i top  = _mm256_max_epu32(_mm256_max_epu32(bits(0), bits(8)), _mm256_max_epu32(bits(16), bits(24)));
    __m128i       half = _mm_max_epu32(_mm256_castsi256_si128(top), _mm256_extracti128_si256(top, 1));
    half               = _mm_max_epu32(half, _mm_shuffle_epi32(half, 0x4e));
    half               = _mm_max_epu32(half, _mm_shuffle_epi32(half, 0xb1));
    return bit_cast<float>(_mm_cvtsi128_si32(half));
}

// Below this, dividing 127 overflows; such activations count as zero.
constexpr float kSmallest = 1e-35f;

// 32 floats to 16-bit codes (in order) and their scale.
inline float to_codes(const float * x, __m256i & low, __m256i & high) {
    const float  top     = greatest(x);
    const float  scale   = top < kSmallest ? 0 : top / 127;
    const __m256 inverse = _mm256_set1_ps(top < kSmallest ? 0 : 127 / top);
    const auto   code    = [&](int i) { return _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x + i), inverse)); };
    low                  = _mm256_permute4x64_epi64(_mm256_packs_epi32(code(0), code(8)), 0xd8);
    high                 = _mm256_permute4x64_epi64(_mm256_packs_epi32(code(16), code(24)), 0xd8);
    return scale;
}

inline __m256i to_bytes(__m256i low, __m256i high) {
    return _mm256_permute4x64_epi64(_mm256_packs_epi16(low, high), 0xd8);
}

// The sums of both halves of 32 codes, each as two 16-bit numbers: over the first and the second half of every
// four codes.
inline __m128i pair_sums(__m256i codes) {
    const __m256i pairs  = _mm256_maddubs_epi16(_mm256_set1_epi8(1), codes);
    const __m256i swap   = _mm256_add_epi16(pairs, _mm256_shuffle_epi32(pairs, 0xb1));
    const __m256i halves = _mm256_add_epi16(swap, _mm256_shuffle_epi32(swap, 0x4e));
    return _mm_unpacklo_epi32(_mm256_castsi256_si128(halves), _mm256_extracti128_si256(halves, 1));
}

inline int32_t in_pair(int16_t low, int16_t high) {
    return (int32_t) ((uint16_t) low | (uint32_t) (uint16_t) high << 16);
}

inline int16_t both(int32_t pair) {
    return (int16_t) ((int16_t) pair + (int16_t) (pair >> 16));
}

// Eight rows of 32 bytes, one every `stride` bytes -> for each 4 bytes of a row the eight rows side by side,
// every `step` bytes. Bits of `flip` are flipped in every byte.
inline void turn8(const int8_t * rows, size_t stride, uint8_t * to, size_t step, int flip) {
    const auto row = [&](int i) {
        return _mm256_xor_si256(_mm256_loadu_si256((const __m256i *) (rows + i * stride)), _mm256_set1_epi8((char) flip));
    };
    const __m256i r0 = row(0), r1 = row(1), r2 = row(2), r3 = row(3), r4 = row(4), r5 = row(5), r6 = row(6), r7 = row(7);
    const __m256i a0 = _mm256_unpacklo_epi32(r0, r1), a1 = _mm256_unpackhi_epi32(r0, r1);
    const __m256i a2 = _mm256_unpacklo_epi32(r2, r3), a3 = _mm256_unpackhi_epi32(r2, r3);
    const __m256i a4 = _mm256_unpacklo_epi32(r4, r5), a5 = _mm256_unpackhi_epi32(r4, r5);
    const __m256i a6 = _mm256_unpacklo_epi32(r6, r7), a7 = _mm256_unpackhi_epi32(r6, r7);
    const __m256i b0 = _mm256_unpacklo_epi64(a0, a2), b1 = _mm256_unpackhi_epi64(a0, a2);
    const __m256i b2 = _mm256_unpacklo_epi64(a1, a3), b3 = _mm256_unpackhi_epi64(a1, a3);
    const __m256i b4 = _mm256_unpacklo_epi64(a4, a6), b5 = _mm256_unpackhi_epi64(a4, a6);
    const __m256i b6 = _mm256_unpacklo_epi64(a5, a7), b7 = _mm256_unpackhi_epi64(a5, a7);
    const auto    put = [&](int i, __m256i first, __m256i second) {
        _mm256_storeu_si256((__m256i *) (to + i * step), _mm256_permute2x128_si256(first, second, 0x20));
        _mm256_storeu_si256((__m256i *) (to + (i + 4) * step), _mm256_permute2x128_si256(first, second, 0x31));
    };
    put(0, b0, b4), put(1, b1, b5), put(2, b2, b6), put(3, b3, b7);
}

}  // namespace coblyn::kernels::COBLYN_ISA
