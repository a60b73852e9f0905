// The loops around a tile: a panel of weights is unpacked into the fastest cache and applied to all tokens.
//
// An instruction set (`Isa`) is a structure with
//
//   kRows            rows of a panel
//   kTokens          tokens of a tile
//   kStretch         slabs of a row that are unpacked at once: the panel has to stay in the first-level cache
//   Record<W>        32 prepared activations and what goes with them
//   Slab<W>          32 values of kRows weight rows, laid out for the tile
//   prepare<W>       floats -> records
//   pack<W>          kRows rows of plain codes (a row every `stride` bytes) -> the codes of a slab
//   put<W>           the factors of one row -> a slab
//   tile<W, T>       n slabs times T tokens, added to or stored in T x kRows sums
//
// and for floating-point weights kFloatTokens, pack_float, tile_float.

#pragma once

#include "kernel.h"
#include "weight.h"

namespace coblyn::kernels::COBLYN_ISA {

template <class Isa, class W> struct Product {
    using Slab   = typename Isa::template Slab<W>;
    using Record = typename Isa::template Record<W>;

    static constexpr int kRows    = Isa::kRows;
    static constexpr int kStretch = Isa::template kStretch<W> / W::kSlabs * W::kSlabs;

    // Codes and factors of all rows for one block, before they are rearranged.
    struct Plain {
        alignas(64) int8_t codes[kRows][32 * W::kSlabs];
        Factors factors[W::kSlabs];
    };

    static void unpack_row(const Job & job, int row, int64_t block, int8_t * codes, Factors * factors) {
        if constexpr (W::kHasInterleaved) {
            if (job.is_interleaved) {
                const uint8_t * group = job.weights + (row / 8) * 8 * job.row_bytes;
                W::unpack8(group + block * 8 * W::kBytes, row % 8, codes, factors);
                return;
            }
        }
        W::unpack(job.weights + row * job.row_bytes + block * W::kBytes, codes, factors);
    }

    // Missing rows repeat the last one; their results are never stored.
    static void fill(const Job & job, int64_t first, int n, Slab * panel, Plain & plain) {
        for (int s = 0; s < n; s += W::kSlabs) {
            for (int row = 0; row < kRows; ++row) {
                unpack_row(job, row < job.rows ? row : job.rows - 1, (first + s) / W::kSlabs, plain.codes[row],
                           plain.factors);
                for (int i = 0; i < W::kSlabs; ++i) {
                    Isa::template put<W>(plain.factors[i], row, panel[s + i]);
                }
            }
            for (int i = 0; i < W::kSlabs; ++i) {
                Isa::template pack<W>(&plain.codes[0][32 * i], sizeof plain.codes[0], panel[s + i]);
            }
        }
    }

    template <int T>
    static void tile(const Job & job, int token, int64_t first, int n, const Slab * panel) {
        const Record * acts[T];
        float *        outs[T];
        float          spare[T][kRows];
        const bool     is_whole = job.rows == kRows;
        for (int t = 0; t < T; ++t) {
            acts[t] = (const Record *) job.acts[token + t] + first;
            outs[t] = is_whole ? job.outs[token + t] : spare[t];
            for (int row = 0; !is_whole && row < kRows; ++row) {
                spare[t][row] = first != 0 && row < job.rows ? job.outs[token + t][row] : 0;
            }
        }
        Isa::template tile<W, T>(panel, n, acts, outs, first != 0);
        for (int t = 0; !is_whole && t < T; ++t) {
            for (int row = 0; row < job.rows; ++row) {
                job.outs[token + t][row] = spare[t][row];
            }
        }
    }

    // The tokens that do not fill a tile.
    template <int T> static void rest(const Job & job, int token, int64_t first, int n, const Slab * panel) {
        if constexpr (T > 0) {
            if (job.tokens - token == T) {
                tile<T>(job, token, first, n, panel);
            } else {
                rest<T - 1>(job, token, first, n, panel);
            }
        }
    }

    static void run(const Job & job) {
        constexpr int T      = Isa::template kTokens<W>;
        Slab *        panel  = (Slab *) job.scratch;
        Plain &       plain  = *(Plain *) (panel + kStretch);
        const int64_t slabs  = job.length / 32;
        const int64_t passes = (slabs + kStretch - 1) / kStretch;
        const int64_t length = ((slabs + passes - 1) / passes + W::kSlabs - 1) / W::kSlabs * W::kSlabs;
        for (int64_t first = 0; first < slabs; first += length) {
            const int n = (int) (slabs - first < length ? slabs - first : length);
            fill(job, first, n, panel, plain);
            int token = 0;
            for (; token + T <= job.tokens; token += T) {
                tile<T>(job, token, first, n, panel);
            }
            rest<T - 1>(job, token, first, n, panel);
        }
    }

    static void prepare(const float * from, int64_t length, void * to) {
        Record * records = (Record *) to;
        for (int64_t i = 0; i < length / 32; ++i) {
            Isa::template prepare<W>(from + 32 * i, records[i]);
        }
    }

    static constexpr Kernel kernel() {
        return { kRows, sizeof(Record), sizeof(Slab) * kStretch + sizeof(Plain), 32 * W::kSlabs, W::kHasInterleaved, prepare, run };
    }
};

// Floating-point weights: a panel is kRows floats for each value of a row.
template <class Isa, class W> struct FloatProduct {
    static constexpr int kRows    = Isa::kRows;
    static constexpr int kStretch = 256;
    static constexpr int T        = Isa::kFloatTokens;

    template <int N> static void tile(const Job & job, int token, int64_t first, int n, const float * panel) {
        const float * acts[N];
        float *       outs[N];
        float         spare[N][kRows];
        const bool    is_whole = job.rows == kRows;
        for (int t = 0; t < N; ++t) {
            acts[t] = (const float *) job.acts[token + t] + first;
            outs[t] = is_whole ? job.outs[token + t] : spare[t];
            for (int row = 0; !is_whole && row < kRows; ++row) {
                spare[t][row] = first != 0 && row < job.rows ? job.outs[token + t][row] : 0;
            }
        }
        Isa::template tile_float<N>(panel, n, acts, outs, first != 0);
        for (int t = 0; !is_whole && t < N; ++t) {
            for (int row = 0; row < job.rows; ++row) {
                job.outs[token + t][row] = spare[t][row];
            }
        }
    }

    template <int N> static void rest(const Job & job, int token, int64_t first, int n, const float * panel) {
        if constexpr (N > 0) {
            if (job.tokens - token == N) {
                tile<N>(job, token, first, n, panel);
            } else {
                rest<N - 1>(job, token, first, n, panel);
            }
        }
    }

    static void run(const Job & job) {
        float * panel = (float *) job.scratch;
        for (int64_t first = 0; first < job.length; first += kStretch) {
            const int n = (int) (job.length - first < kStretch ? job.length - first : kStretch);
            Isa::template pack_float<W>(job, first, n, panel);
            int token = 0;
            for (; token + T <= job.tokens; token += T) {
                tile<T>(job, token, first, n, panel);
            }
            rest<T - 1>(job, token, first, n, panel);
        }
    }

    static constexpr Kernel kernel() { return { kRows, 0, sizeof(float) * kRows * kStretch, 1, false, nullptr, run }; }
};

template <class Isa, template <class, class> class P = Product> void add_quantized(InstructionSet & set) {
    const auto add = [&set](auto type) {
        using W                = decltype(type);
        set.kernels[W::kType] = P<Isa, W>::kernel();
    };
    add(Q4_0{}), add(Q4_1{}), add(Q5_0{}), add(Q5_1{}), add(Q8_0{});
    add(Q2_K{}), add(Q3_K{}), add(Q4_K{}), add(Q5_K{}), add(Q6_K{});
    add(IQ4_NL{}), add(IQ4_XS{}), add(MXFP4{});
}

template <class Isa> void add_floats(InstructionSet & set) {
    set.kernels[F16::kType]  = FloatProduct<Isa, F16>::kernel();
    set.kernels[BF16::kType] = FloatProduct<Isa, BF16>::kernel();
}

}  // namespace coblyn::kernels::COBLYN_ISA
