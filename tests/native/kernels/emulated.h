// AVX-512 and AVX-VNNI on a processor that has neither: SIMDe's functions under the names of the intrinsics. Put in
// front of a source file with -include. What it lacks is written out below.

#pragma once

#define COBLYN_EMULATED
#define SIMDE_ENABLE_NATIVE_ALIASES
#include <immintrin.h>
#include <simde/x86/avx512.h>
#include <simde/x86/avx512/dpbf16.h>
#include <simde/x86/avx512/dpbusd.h>

// Wrong in SIMDe 0.7.4.
#undef _mm512_madd_epi16
#define _mm512_madd_epi16(a, b) simde_mm512_madd_epi16(a, b)

#include <cmath>
#include <cstdint>
#include <cstring>

namespace emulated {

// 256 bits of vpdpbusd.
inline __m256i dot(__m256i sum, __m256i a, __m256i b) {
    uint8_t codes[32];
    int8_t  acts[32];
    int32_t sums[8];
    std::memcpy(codes, &a, 32);
    std::memcpy(acts, &b, 32);
    std::memcpy(sums, &sum, 32);
    for (int i = 0; i < 32; ++i) {
        sums[i / 4] += codes[i] * acts[i];
    }
    std::memcpy(&sum, sums, 32);
    return sum;
}

// A function of each of 16 numbers.
template <class ToVector, class To, class From, class Vector, class Function> ToVector each(const Vector & a, Function function) {
    From     from[16];
    To       to[16];
    ToVector result;
    std::memcpy(from, &a, sizeof from);
    for (int i = 0; i < 16; ++i) {
        to[i] = function(from[i]);
    }
    std::memcpy(&result, to, sizeof to);
    return result;
}

inline __m512 to_float(__m512i a) {
    return each<__m512, float, int32_t>(a, [](int32_t x) { return (float) x; });
}

inline float sum(__m512 a) {
    float values[16], total = 0;
    std::memcpy(values, &a, 64);
    for (const float value : values) {
        total += value;
    }
    return total;
}

inline __m512 widen_half(__m256i a) {
    float to[16];
    _mm256_storeu_ps(to, _mm256_cvtph_ps(_mm256_castsi256_si128(a)));
    _mm256_storeu_ps(to + 8, _mm256_cvtph_ps(_mm256_extracti128_si256(a, 1)));
    __m512 result;
    std::memcpy(&result, to, 64);
    return result;
}

// To the nearest, ties to even.
inline __m512i to_int(__m512 a) {
    return each<__m512i, int32_t, float>(a, [](float x) { return (int32_t) std::nearbyint(x); });
}

// Those of 64 bytes that are asked for; no other is touched.
inline __m512i load_some(uint64_t mask, const void * from) {
    uint8_t to[64] = {};
    for (int i = 0; i < 64; ++i) {
        if (mask >> i & 1) {
            to[i] = ((const uint8_t *) from)[i];
        }
    }
    __m512i result;
    std::memcpy(&result, to, 64);
    return result;
}

template <class Byte> __m512i widen_bytes(__m128i a) {
    Byte    from[16];
    int32_t to[16];
    std::memcpy(from, &a, 16);
    for (int i = 0; i < 16; ++i) {
        to[i] = from[i];
    }
    __m512i result;
    std::memcpy(&result, to, 64);
    return result;
}

// To the nearest bfloat16, ties to even; NaN stays one.
inline __m256bh to_bfloat(__m512 a) {
    return each<__m256bh, uint16_t, uint32_t>(a, [](uint32_t x) {
        const bool is_nan = (x & 0x7fffffff) > 0x7f800000;
        return (uint16_t) (is_nan ? x >> 16 | 64 : (x + 0x7fff + (x >> 16 & 1)) >> 16);
    });
}

}  // namespace emulated

#undef _mm512_maskz_loadu_epi8
#undef _mm512_cvtepu8_epi32
#undef _mm512_cvtepi8_epi32
#define _mm512_maskz_loadu_epi8 emulated::load_some
#define _mm512_cvtepu8_epi32 emulated::widen_bytes<uint8_t>
#define _mm512_cvtepi8_epi32 emulated::widen_bytes<int8_t>
#undef _mm512_cvtepi32_ps
#undef _mm512_cvtneps_pbh
#undef _mm512_cvtph_ps
#undef _mm512_reduce_add_ps
#undef _mm512_cvtps_epi32
#define _mm512_cvtepi32_ps emulated::to_float
#define _mm512_cvtph_ps emulated::widen_half
#define _mm512_reduce_add_ps emulated::sum
#define _mm512_cvtps_epi32 emulated::to_int
#define _mm512_cvtneps_pbh emulated::to_bfloat
#define _mm256_dpbusd_avx_epi32 emulated::dot
