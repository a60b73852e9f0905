// Vectors of 8 or 16 numbers under one set of names, so that a tile is written once for both widths.

#pragma once

#include "x86.h"

namespace coblyn::kernels::COBLYN_ISA {

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
    static Float add(Float a, Float b) { return _mm256_add_ps(a, b); }
    static Float subtract(Float a, Float b) { return _mm256_sub_ps(a, b); }
    // `b` if either is NaN.
    static Float greater(Float a, Float b) { return _mm256_max_ps(a, b); }
    // 2 to the power of whole numbers above -127.
    static Float power_of_two(Float n) {
        return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23));
    }
    // 0 where `x` is below `limit`, otherwise `a`, also for NaN.
    static Float unless_below(Float x, Float limit, Float a) { return _mm256_and_ps(a, _mm256_cmp_ps(x, limit, _CMP_NLT_UQ)); }
    static bool  are_equal(Float a, Float b) { return _mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_EQ_OQ)) == 0xff; }
    // The sum of each of eight vectors.
    static Float sums(const Float (&a)[8]) {
        const Float low  = _mm256_hadd_ps(_mm256_hadd_ps(a[0], a[1]), _mm256_hadd_ps(a[2], a[3]));
        const Float high = _mm256_hadd_ps(_mm256_hadd_ps(a[4], a[5]), _mm256_hadd_ps(a[6], a[7]));
        return _mm256_add_ps(_mm256_permute2f128_ps(low, high, 0x20), _mm256_permute2f128_ps(low, high, 0x31));
    }
    static Float widen_half(const uint16_t * from) { return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *) from)); }
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
    static Float add(Float a, Float b) { return _mm512_add_ps(a, b); }
    static Float subtract(Float a, Float b) { return _mm512_sub_ps(a, b); }
    // `b` if either is NaN.
    static Float greater(Float a, Float b) { return _mm512_max_ps(a, b); }
    // 2 to the power of whole numbers above -127.
    static Float power_of_two(Float n) {
        return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_add_epi32(_mm512_cvtps_epi32(n), _mm512_set1_epi32(127)), 23));
    }
    static Float unless_below(Float x, Float limit, Float a) { return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(x, limit, _CMP_NLT_UQ), a); }
    static bool  are_equal(Float a, Float b) { return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ) == 0xffff; }
    // The sum of each of sixteen vectors.
    static Float sums(const Float (&a)[16]) {
        alignas(64) float all[16];
        for (int i = 0; i < 16; ++i) {
            all[i] = _mm512_reduce_add_ps(a[i]);
        }
        return _mm512_load_ps(all);
    }
    static Float widen_half(const uint16_t * from) { return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *) from)); }
    static Int   dot(Int c, Int a, Int b) { return _mm512_dpbusd_epi32(c, a, b); }
};
#endif

}  // namespace coblyn::kernels::COBLYN_ISA
