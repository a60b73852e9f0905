// AVX-512 VNNI, and BF16 weights times activations that are rounded to BF16 as ggml's are.

#if (defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512VNNI__) && defined(__AVX512BF16__)) || defined(COBLYN_EMULATED)

#define COBLYN_ISA avx512_bf16_code

#include "vnni.h"

#include <algorithm>
#include <iterator>

namespace coblyn::kernels::COBLYN_ISA {

// The instruction vdpbf16ps adds two products to a single-precision number. A panel has, for each two values of a
// row, 32 rows side by side.
struct Bfloat {
    static constexpr int kRows = 32, kTokens = 12, kStretch = 512;

    struct Record {
        uint16_t values[32];
    };

    static void prepare(const float * from, int64_t length, void * to) {
        for (int64_t i = 0; i < length; i += 16) {
            const __m256bh rounded = _mm512_cvtneps_pbh(_mm512_loadu_ps(from + i));
            std::memcpy((uint16_t *) to + i, &rounded, sizeof rounded);
        }
    }

    static void pack(const Job & job, int64_t first, int n, uint8_t * panel) {
        for (int row = 0; row < kRows; row += 8) {
            for (int k = 0; k < n; k += 16) {
                alignas(32) uint16_t rows[8][16];
                for (int i = 0; i < 8; ++i) {
                    const int at = row + i < job.rows ? row + i : job.rows - 1;
                    std::memcpy(rows[i], job.weights + at * job.row_bytes + 2 * (first + k), sizeof rows[i]);
                }
                turn8((const int8_t *) rows, sizeof rows[0], panel + 2 * kRows * k + 4 * row, 4 * kRows, 0);
            }
        }
    }

    template <int T>
    static void tile(const uint8_t * panel, int n, const uint16_t * const * acts, float * const * outs, bool adds) {
        __m512 totals[T][2];
        for (int t = 0; t < T; ++t) {
            for (int r = 0; r < 2; ++r) {
                totals[t][r] = adds ? _mm512_loadu_ps(outs[t] + 16 * r) : _mm512_setzero_ps();
            }
        }
        for (int k = 0; k < n; k += 2) {
            const __m512bh w0 = (__m512bh) _mm512_load_si512(panel + 2 * kRows * k);
            const __m512bh w1 = (__m512bh) _mm512_load_si512(panel + 2 * kRows * k + 64);
            for (int t = 0; t < T; ++t) {
                const __m512bh a = (__m512bh) Zmm::spread_int(acts[t] + k);
                totals[t][0]     = _mm512_dpbf16_ps(totals[t][0], w0, a);
                totals[t][1]     = _mm512_dpbf16_ps(totals[t][1], w1, a);
            }
        }
        for (int t = 0; t < T; ++t) {
            for (int r = 0; r < 2; ++r) {
                _mm512_storeu_ps(outs[t] + 16 * r, totals[t][r]);
            }
        }
    }

    template <int T> static void part(const Job & job, int token, int64_t first, int n, const uint8_t * panel) {
        if (job.tokens - token < T) {
            if constexpr (T > 1) {
                part<T - 1>(job, token, first, n, panel);
            }
            return;
        }
        const uint16_t * acts[T];
        float *          outs[T];
        float            spare[T][kRows];
        const bool       is_whole = job.rows == kRows;
        for (int t = 0; t < T; ++t) {
            acts[t] = (const uint16_t *) job.acts[token + t] + first;
            outs[t] = is_whole ? job.outs[token + t] : spare[t];
            for (int row = 0; !is_whole && row < kRows; ++row) {
                spare[t][row] = first != 0 && row < job.rows ? job.outs[token + t][row] : 0;
            }
        }
        tile<T>(panel, n, acts, outs, first != 0);
        for (int t = 0; !is_whole && t < T; ++t) {
            for (int row = 0; row < job.rows; ++row) {
                job.outs[token + t][row] = spare[t][row];
            }
        }
    }

    static void run(const Job & job) {
        uint8_t * panel = (uint8_t *) job.scratch;
        for (int64_t first = 0; first < job.length; first += kStretch) {
            const int n = (int) (job.length - first < kStretch ? job.length - first : kStretch);
            pack(job, first, n, panel);
            for (int token = 0; token < job.tokens; token += kTokens) {
                part<kTokens>(job, token, first, n, panel);
            }
        }
    }

    static constexpr Kernel kernel() { return { kRows, sizeof(Record), 2 * kRows * kStretch, 32, false, prepare, run }; }
};

}  // namespace coblyn::kernels::COBLYN_ISA

namespace coblyn::kernels {

const InstructionSet * avx512_bf16() {
    static const InstructionSet set = [] {
        InstructionSet made{};
        made.name = "AVX-512 VNNI and BF16";
        using Isa = avx512_bf16_code::Vnni<avx512_bf16_code::Zmm, 6, 12>;
        avx512_bf16_code::add_quantized<Isa>(made);
        avx512_bf16_code::add_floats<Isa>(made);
        // Products of few tokens need nothing beyond VNNI.
        const InstructionSet & vnni = *avx512_vnni();
        std::copy(std::begin(vnni.few), std::end(vnni.few), made.few);
        std::copy(std::begin(vnni.few_interleaved), std::end(vnni.few_interleaved), made.few_interleaved);
        made.kernels[avx512_bf16_code::BF16::kType] = avx512_bf16_code::Bfloat::kernel();
        made.attention = avx512_bf16_code::Attend<avx512_bf16_code::Zmm, 12>::attention();
        made.attention_of_one = avx512_bf16_code::AttendOne<avx512_bf16_code::Zmm>::attention();
        return made;
    }();
    return &set;
}

}  // namespace coblyn::kernels

#else

#include "kernel.h"

namespace coblyn::kernels {

const InstructionSet * avx512_bf16() {
    return nullptr;
}

}  // namespace coblyn::kernels

#endif
