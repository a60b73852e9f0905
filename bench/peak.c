// How many whole-number multiply-adds (8 bits by 8 bits) can this processor do in a second, at most? Nothing but the
// instructions that kernels are made of, on registers. bench/accelerator.py compiles it with -march=native.

#include <stdio.h>
#include <time.h>

enum { CHAINS = 12, ROUNDS = 20000000 };

#if defined(__AVX512VNNI__)
#include <immintrin.h>
typedef __m512i Vector;
enum { PRODUCTS = 64 };
static Vector zero(void) { return _mm512_setzero_si512(); }
static Vector add_products(Vector sum, Vector a) { return _mm512_dpbusd_epi32(sum, a, a); }
#define HELD "+v"
#elif defined(__AVXVNNI__)
#include <immintrin.h>
typedef __m256i Vector;
enum { PRODUCTS = 32 };
static Vector zero(void) { return _mm256_setzero_si256(); }
static Vector add_products(Vector sum, Vector a) { return _mm256_dpbusd_avx_epi32(sum, a, a); }
#define HELD "+x"
#elif defined(__AVX2__)
#include <immintrin.h>
typedef __m256i Vector;
enum { PRODUCTS = 32 };
static Vector zero(void) { return _mm256_setzero_si256(); }
static Vector add_products(Vector sum, Vector a) { return _mm256_add_epi16(sum, _mm256_maddubs_epi16(a, a)); }
#define HELD "+x"
#elif defined(__ARM_FEATURE_MATMUL_INT8)
#include <arm_neon.h>
typedef int32x4_t Vector;
enum { PRODUCTS = 32 };
static Vector zero(void) { return vdupq_n_s32(0); }
static Vector add_products(Vector sum, Vector a) {
    return vmmlaq_s32(sum, vreinterpretq_s8_s32(a), vreinterpretq_s8_s32(a));
}
#define HELD "+w"
#elif defined(__ARM_FEATURE_DOTPROD)
#include <arm_neon.h>
typedef int32x4_t Vector;
enum { PRODUCTS = 16 };
static Vector zero(void) { return vdupq_n_s32(0); }
static Vector add_products(Vector sum, Vector a) {
    return vdotq_s32(sum, vreinterpretq_s8_s32(a), vreinterpretq_s8_s32(a));
}
#define HELD "+w"
#else
#error "no instructions for products of bytes"
#endif

// One more product on a sum. What the compiler can not see through it can neither save nor put off.
#define STEP(sum)                     \
    __asm__ volatile("" : HELD(factor)); \
    sum = add_products(sum, factor);  \
    __asm__ volatile("" : HELD(sum));

int main(void) {
    Vector factor = zero();
    // As many sums at once as hide a latency of five on two ports, each in a register.
    Vector a = factor, b = factor, c = factor, d = factor, e = factor, f = factor;
    Vector g = factor, h = factor, i = factor, j = factor, k = factor, l = factor;
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (int round = 0; round < ROUNDS; ++round) {
        STEP(a) STEP(b) STEP(c) STEP(d) STEP(e) STEP(f)
        STEP(g) STEP(h) STEP(i) STEP(j) STEP(k) STEP(l)
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    const double seconds = (double) (end.tv_sec - start.tv_sec) + 1e-9 * (double) (end.tv_nsec - start.tv_nsec);
    printf("%.6g\n", (double) ROUNDS * CHAINS * PRODUCTS / seconds);
    return 0;
}
