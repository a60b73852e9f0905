// The operations that unpackers are composed of: halves of bytes, single bits, small tables. With vectors where the
// instruction set has them, otherwise eight bytes at a time in an integer.

#pragma once

#include "bits.h"

#if defined(__ARM_NEON)
#include <arm_neon.h>
#endif

namespace coblyn::kernels::COBLYN_ISA {

// A table of sixteen signed bytes.
struct Table {
    int8_t values[16];
};

#if defined(__AVX2__)

inline __m256i halves_of_16(const uint8_t * pairs) {
    const __m128i low  = _mm_loadu_si128((const __m128i *) pairs);
    const __m256i both = _mm256_inserti128_si256(_mm256_castsi128_si256(low), _mm_srli_epi16(low, 4), 1);
    return _mm256_and_si256(both, _mm256_set1_epi8(15));
}

// Sixteen bytes with two codes each: the low halves are the first sixteen codes.
inline void unpack_halves(const uint8_t * pairs, int8_t * codes) {
    _mm256_storeu_si256((__m256i *) codes, halves_of_16(pairs));
}

// The same, with a fifth bit for each of the 32 codes.
inline void unpack_fives(const uint8_t * pairs, const uint8_t * bits, int8_t * codes) {
    // Each byte receives the byte that holds its bit, then all other bits are cleared.
    const __m256i place = _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303);
    const __m256i bytes = _mm256_shuffle_epi8(_mm256_set1_epi32(load<int32_t>(bits)), place);
    const __m256i own   = _mm256_set1_epi64x((int64_t) 0x8040201008040201ull);
    const __m256i fifth = _mm256_and_si256(_mm256_cmpeq_epi8(_mm256_and_si256(bytes, own), own), _mm256_set1_epi8(16));
    _mm256_storeu_si256((__m256i *) codes, _mm256_or_si256(halves_of_16(pairs), fifth));
}

// Sixteen bytes with two indices into a table each.
inline void unpack_indices(const uint8_t * pairs, const Table & table, int8_t * codes) {
    const __m256i values = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *) table.values));
    _mm256_storeu_si256((__m256i *) codes, _mm256_shuffle_epi8(values, halves_of_16(pairs)));
}

// 32 bytes, each shifted right and masked.
inline __m256i cut(const uint8_t * bytes, int shift, int mask) {
    const __m256i all = _mm256_loadu_si256((const __m256i *) bytes);
    return _mm256_and_si256(_mm256_srli_epi16(all, shift), _mm256_set1_epi8((char) mask));
}

inline void unpack_bits(const uint8_t * bytes, int shift, int mask, int8_t * codes) {
    _mm256_storeu_si256((__m256i *) codes, cut(bytes, shift, mask));
}

// Codes in two parts: `mask` of `bytes` after a shift, and above them, at `place`, those of `more`.
inline void unpack_parts(const uint8_t * bytes, int shift, int mask, const uint8_t * more, int more_shift, int more_mask,
                         int place, int8_t * codes) {
    const __m256i upper = _mm256_slli_epi16(cut(more, more_shift, more_mask), place);
    _mm256_storeu_si256((__m256i *) codes, _mm256_or_si256(cut(bytes, shift, mask), upper));
}

#else

inline void unpack_halves(const uint8_t * pairs, int8_t * codes) {
    for (int i = 0; i < 16; i += 8) {
        const uint64_t eight = load<uint64_t>(pairs + i);
        const uint64_t low = eight & 0x0f0f0f0f0f0f0f0full, high = eight >> 4 & 0x0f0f0f0f0f0f0f0full;
        std::memcpy(codes + i, &low, 8);
        std::memcpy(codes + 16 + i, &high, 8);
    }
}

inline void unpack_fives(const uint8_t * pairs, const uint8_t * bits, int8_t * codes) {
    unpack_halves(pairs, codes);
    for (int i = 0; i < 4; ++i) {
        const uint64_t sum = load<uint64_t>(codes + 8 * i) | fifth_bits(bits[i]);
        std::memcpy(codes + 8 * i, &sum, 8);
    }
}

inline void unpack_indices(const uint8_t * pairs, const Table & table, int8_t * codes) {
#if defined(__ARM_NEON) && defined(__aarch64__)
    const int8x16_t  values = vld1q_s8(table.values);
    const uint8x16_t both   = vld1q_u8(pairs);
    vst1q_s8(codes, vqtbl1q_s8(values, vandq_u8(both, vdupq_n_u8(15))));
    vst1q_s8(codes + 16, vqtbl1q_s8(values, vshrq_n_u8(both, 4)));
#else
    unpack_halves(pairs, codes);
    for (int i = 0; i < 32; ++i) {
        codes[i] = table.values[codes[i]];
    }
#endif
}

inline void unpack_bits(const uint8_t * bytes, int shift, int mask, int8_t * codes) {
    for (int i = 0; i < 32; ++i) {
        codes[i] = (int8_t) (bytes[i] >> shift & mask);
    }
}

inline void unpack_parts(const uint8_t * bytes, int shift, int mask, const uint8_t * more, int more_shift, int more_mask,
                         int place, int8_t * codes) {
    for (int i = 0; i < 32; ++i) {
        codes[i] = (int8_t) ((bytes[i] >> shift & mask) | (more[i] >> more_shift & more_mask) << place);
    }
}

#endif

}  // namespace coblyn::kernels::COBLYN_ISA
