// Vectors of 8 or 16 numbers under one set of names, so that a tile is written once for both widths.

#pragma once

#include "x86.h"

namespace coblyn::accel::COBLYN_ISA {

struct Ymm {
    using Int   = __m256i;
    using Float = __m256;
    static constexpr int kLanes = 8;

    static Int   load_int(const void * from) { return _mm256_load_si256((const __m256i *) from); }
    static Int   spread_int(const void * from) { return _mm256_set1_epi32(load<int32_t>(from)); }
    static Int   no_int() { return _mm256_setzero_si256(); }
    static Int   add(Int a, Int b) { return _mm256_add_epi32(a, b); }
    static Int   multiply(Int a, Int b) { return _mm256_mullo_epi32(a, b); }
    static Int   multiply_pairs(Int a, Int b) { return _mm256_madd_epi16(a, b); }
    static Float to_float(Int a) { return _mm256_cvtepi32_ps(a); }
    static Float load_float(const float * from) { return _mm256_loadu_ps(from); }
    static Float spread_float(float a) { return _mm256_set1_ps(a); }
    static Float no_float() { return _mm256_setzero_ps(); }
    static Float multiply(Float a, Float b) { return _mm256_mul_ps(a, b); }
    static Float multiply_add(Float a, Float b, Float c) { return _mm256_fmadd_ps(a, b, c); }
    static void  store(float * to, Float a) { _mm256_storeu_ps(to, a); }
#if defined(__AVXVNNI__) || defined(COBLYN_EMULATED)
    // c + the sum of four products of an unsigned byte of `a` and a signed byte of `b`, without saturation.
    static Int dot(Int c, Int a, Int b) { return _mm256_dpbusd_avx_epi32(c, a, b); }
#endif
};

#if defined(__AVX512F__) || defined(COBLYN_EMULATED)
struct Zmm {
    using Int   = __m512i;
    using Float = __m512;
    static constexpr int kLanes = 16;

    static Int   load_int(const void * from) { return _mm512_load_si512(from); }
    static Int   spread_int(const void * from) { return _mm512_set1_epi32(load<int32_t>(from)); }
    static Int   no_int() { return _mm512_setzero_si512(); }
    static Int   add(Int a, Int b) { return _mm512_add_epi32(a, b); }
    static Int   multiply(Int a, Int b) { return _mm512_mullo_epi32(a, b); }
    static Int   multiply_pairs(Int a, Int b) { return _mm512_madd_epi16(a, b); }
    static Float to_float(Int a) { return _mm512_cvtepi32_ps(a); }
    static Float load_float(const float * from) { return _mm512_loadu_ps(from); }
    static Float spread_float(float a) { return _mm512_set1_ps(a); }
    static Float no_float() { return _mm512_setzero_ps(); }
    static Float multiply(Float a, Float b) { return _mm512_mul_ps(a, b); }
    static Float multiply_add(Float a, Float b, Float c) { return _mm512_fmadd_ps(a, b, c); }
    static void  store(float * to, Float a) { _mm512_storeu_ps(to, a); }
    static Int   dot(Int c, Int a, Int b) { return _mm512_dpbusd_epi32(c, a, b); }
};
#endif

}  // namespace coblyn::accel::COBLYN_ISA
