// What can this processor do in a second, at most? bench/kernels.py compiles it with -march=native, and runs one on each
// thread at the same time.
//
//   peak products    whole-number multiply-adds (8 bits by 8 bits): nothing but the instructions that kernels are made of
//   peak memory      bytes read: whole vectors, of several streams, each fetched ahead of its reader

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

// One more product on a sum. What the compiler cannot see through it can neither save nor put off.
#define STEP(sum)                     \
    __asm__ volatile("" : HELD(factor)); \
    sum = add_products(sum, factor);  \
    __asm__ volatile("" : HELD(sum));

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double) time.tv_sec + 1e-9 * (double) time.tv_nsec;
}

static double products(void) {
    Vector factor = zero();
    // As many sums at once as hide a latency of five on two ports, each in a register.
    Vector a = factor, b = factor, c = factor, d = factor, e = factor, f = factor;
    Vector g = factor, h = factor, i = factor, j = factor, k = factor, l = factor;
    const double start = now();
    for (int round = 0; round < ROUNDS; ++round) {
        STEP(a) STEP(b) STEP(c) STEP(d) STEP(e) STEP(f)
        STEP(g) STEP(h) STEP(i) STEP(j) STEP(k) STEP(l)
    }
    return (double) ROUNDS * CHAINS * PRODUCTS / (now() - start);
}

// More than a cache holds, in as many streams as the processor follows; how far ahead of its reader each is fetched.
enum { BYTES = 256 << 20, STREAMS = 4, AHEAD = 4096, LINE = 64 };

typedef long long Line __attribute__((vector_size(LINE)));

static double memory(void) {
    char * bytes = aligned_alloc(LINE, BYTES);
    if (bytes == NULL) {
        return 0;
    }
    memset(bytes, 1, BYTES);
    Line         sums[STREAMS] = { 0 };
    double       passes = 0, seconds = 0;
    const double start = now();
    for (; seconds < 1; ++passes, seconds = now() - start) {
        for (size_t at = 0; at < BYTES / STREAMS; at += LINE) {
            for (int stream = 0; stream < STREAMS; ++stream) {
                const char * line = bytes + (size_t) stream * (BYTES / STREAMS) + at;
                __builtin_prefetch(line + AHEAD);
                sums[stream] ^= *(const Line *) line;
            }
        }
    }
    // What nobody looks at need not be read.
    volatile Line seen = sums[0] ^ sums[1] ^ sums[2] ^ sums[3];
    (void) seen;
    free(bytes);
    return passes * BYTES / seconds;
}

int main(int count, char ** arguments) {
    const int is_memory = count == 2 && strcmp(arguments[1], "memory") == 0;
    if (!is_memory && !(count == 2 && strcmp(arguments[1], "products") == 0)) {
        fprintf(stderr, "usage: peak products|memory\n");
        return 2;
    }
    printf("%.6g\n", is_memory ? memory() : products());
    return 0;
}
