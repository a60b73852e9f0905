// Products of a few tokens, as in a decode step, which memory bounds. Each row of weights is read once, as
// stored in the file, and multiplied with all tokens; what will be needed soon is prefetched, since the
// processor's own prefetching stops at the end of each page.
//
// A row is divided into chunks of 256 or 512 values. A structure describes the chunks of a type:
//
//   kValues, kBytes  of a chunk
//   kSteps           vectors of 64 sums of products that become 16 sums of four
//   kBlock           bytes of a block; a row may end after any block, where kBlocks of them make a chunk
//   Chunk            what is read once for all steps: factors of up to 16 runs of values
//   place            where the 16 values `half` of block `block` of 32 lie in a record
//   codes            unsigned codes of a step, in up to two vectors
//   lane             the factor that belongs to a lane of a step's sums
//
// Sums stay in 16 lanes until the row ends.

#pragma once

#include "kernel.h"
#include "x86.h"

namespace coblyn::kernels::COBLYN_ISA {

// Activations of a chunk in signed bytes, arranged like the codes of the weights. `scale` and `constant` apply to
// the same runs of values as the factors of the weights; `constant` is the sum of the activations times the
// offset to add to a code.
template <int values> struct alignas(64) FewRecord {
    int8_t codes[values];
    float  scale[16];
    float  constant[16];
};

// The half-precision numbers of sixteen blocks, `place` bytes into each: one permutation for each vector that contains them.
// Nothing beyond the end of the chunk is loaded.
template <int stride, int place, int words> struct Headers {
    static constexpr int kBytes   = 16 * stride;
    static constexpr int kVectors = (kBytes + 63) / 64;

    static constexpr int start(int vector) { return 64 * vector < kBytes - 64 ? 64 * vector : kBytes - 64; }

    struct Table {
        alignas(64) uint16_t index[kVectors][32];
        uint32_t mask[kVectors];
    };

    static constexpr Table make() {
        Table table{};
        for (int word = 0; word < words; ++word) {
            for (int block = 0; block < 16; ++block) {
                const int at = block * stride + place + 2 * word, vector = at / 64, lane = 16 * word + block;
                table.index[vector][lane] = (uint16_t) ((at - start(vector)) / 2);
                table.mask[vector] |= 1u << lane;
            }
        }
        return table;
    }

    static constexpr Table kTable = make();

    // Of the first `n` bytes; numbers behind them are zero.
    static COBLYN_INLINE __m512i load(const uint8_t * from, int n) {
        __m512i all = _mm512_setzero_si512();
        COBLYN_UNROLL
        for (int v = 0; v < kVectors; ++v) {
            const int     there  = n - start(v);
            if (there <= 0) {
                break;
            }
            const __m512i vector = there >= 64 ? _mm512_loadu_si512(from + start(v))
                                               : _mm512_maskz_loadu_epi8(~0ull >> (64 - there), from + start(v));
            all = _mm512_mask_permutexvar_epi16(all, kTable.mask[v], _mm512_load_si512(kTable.index[v]), vector);
        }
        return all;
    }
};

inline __m512 halves_to_floats(__m256i halves) {
    return _mm512_cvtph_ps(halves);
}

// Sixteen blocks of 32 values. Only `n` blocks exist; the last one stands in for the others, multiplied by zero.
template <class W, int headers, bool has_min> struct FewBlocks {
    static constexpr int  kBlock = W::kBytes, kBlocks = 16, kValues = 512, kBytes = kBlock * kBlocks;
    static constexpr bool kHasMin = has_min;

    struct Chunk {
        const uint8_t * at;
        int             last;
        __m512          scale, min;

        const uint8_t * block(int i) const { return at + (i < last ? i : last) * kBlock; }
    };

    static COBLYN_INLINE Chunk open(const uint8_t * at, int n) {
        const __m512i all = Headers<kBlock, headers, has_min ? 2 : 1>::load(at, n * kBlock);
        return { at, n - 1, halves_to_floats(_mm512_castsi512_si256(all)),
                 has_min ? halves_to_floats(_mm512_extracti64x4_epi64(all, 1)) : _mm512_setzero_ps() };
    }

    };

// Sixteen bytes, each with two codes, at `bytes` of a block: four blocks a step, low halves and high halves.
template <class W, int bytes, bool has_min> struct FewHalves : FewBlocks<W, 0, has_min> {
    using Base = FewBlocks<W, 0, has_min>;
    using typename Base::Chunk;
    static constexpr int kSteps = 4, kVectors = 2;

    static constexpr int place(int block, int half) { return 64 * (2 * (block / 4) + half) + 16 * (block % 4); }

    static constexpr int lane(int step, int i) { return 4 * step + i / 4; }

    static COBLYN_INLINE void codes(const Chunk & chunk, int step, __m512i * to) {
        const auto piece = [&](int i) { return _mm_loadu_si128((const __m128i *) (chunk.block(4 * step + i) + bytes)); };
        __m512i    pairs = _mm512_castsi128_si512(piece(0));
        pairs            = _mm512_inserti32x4(pairs, piece(1), 1);
        pairs            = _mm512_inserti32x4(pairs, piece(2), 2);
        pairs            = _mm512_inserti32x4(pairs, piece(3), 3);
        to[0]            = _mm512_and_si512(pairs, _mm512_set1_epi8(15));
        to[1]            = _mm512_and_si512(_mm512_srli_epi16(pairs, 4), _mm512_set1_epi8(15));
    }
};

// The same with fifth bits in the four bytes just before.
template <class W, int bytes, bool has_min> struct FewFives : FewHalves<W, bytes, has_min> {
    using Base = FewHalves<W, bytes, has_min>;

    struct Chunk : Base::Chunk {
        alignas(64) uint64_t bits[8];  // of the low halves' codes by step, then of the high halves'
    };

    static COBLYN_INLINE Chunk open(const uint8_t * at, int n) {
        Chunk chunk{ Base::open(at, n), {} };
        const __m512i bits = Headers<W::kBytes, bytes - 4, 2>::load(at, n * W::kBytes);
        _mm512_store_si512(chunk.bits, bits);
        return chunk;
    }

    static COBLYN_INLINE void codes(const Chunk & chunk, int step, __m512i * to) {
        Base::codes(chunk, step, to);
        for (int half = 0; half < 2; ++half) {
            to[half] = _mm512_mask_add_epi8(to[half], chunk.bits[4 * half + step], to[half], _mm512_set1_epi8(16));
        }
    }
};

// 32 signed bytes: two blocks a step.
template <class W> struct FewBytes : FewBlocks<W, 0, false> {
    using Base = FewBlocks<W, 0, false>;
    using typename Base::Chunk;
    static constexpr int kSteps = 8, kVectors = 1;

    static constexpr int place(int block, int half) { return 32 * block + 16 * half; }

    static constexpr int lane(int step, int i) { return 2 * step + i / 8; }

    static COBLYN_INLINE void codes(const Chunk & chunk, int step, __m512i * to) {
        const auto piece = [&](int i) { return _mm256_loadu_si256((const __m256i *) (chunk.block(2 * step + i) + 2)); };
        const __m512i both = _mm512_inserti64x4(_mm512_castsi256_si512(piece(0)), piece(1), 1);
        to[0]              = _mm512_xor_si512(both, _mm512_set1_epi8((char) 0x80));
    }
};

// Eight scales, then eight constants, of 6 bits each in 12 bytes.
inline __m512 six_bits(const uint8_t * at) {
    constexpr uint32_t kSix = 0x3f3f3f3f, kFour = 0x0f0f0f0f, kTwo = 0x03030303;
    const uint32_t     a = load<uint32_t>(at), b = load<uint32_t>(at + 4), c = load<uint32_t>(at + 8);
    const __m128i      packed = _mm_setr_epi32((int) (a & kSix), (int) ((c & kFour) | (a >> 6 & kTwo) << 4), (int) (b & kSix),
                                               (int) ((c >> 4 & kFour) | (b >> 6 & kTwo) << 4));
    return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(packed));
}

// 256 values in eight runs of 32 with scales and constants of 6 bits: the factors are eight scales and eight constants.
template <class W, int bytes> struct FewSuper {
    static constexpr int  kBlock = W::kBytes, kBlocks = 1, kValues = 256, kBytes = kBlock, kSteps = 4, kVectors = 1;
    static constexpr bool kHasMin = false;

    struct Chunk {
        const uint8_t * at;
        __m512          scale;
    };

    static COBLYN_INLINE Chunk open(const uint8_t * at, int) {
        const __m512 d   = _mm512_set1_ps(half_to_float(load<uint16_t>(at)));
        const __m512 min = _mm512_set1_ps(-half_to_float(load<uint16_t>(at + 2)));
        return { at, _mm512_mul_ps(six_bits(at + 4), _mm512_mask_mov_ps(d, 0xff00, min)) };
    }

    // Of each 32 bytes the low halves are one run, the high ones the next.
    static constexpr int place(int block, int half) { return 64 * (2 * (block / 4) + block % 2) + 32 * (block % 4 / 2) + 16 * half; }

    static constexpr int lane(int step, int i) { return 4 * (step / 2) + step % 2 + 2 * (i / 8); }

    static COBLYN_INLINE void codes(const Chunk & chunk, int step, __m512i * to) {
        const __m512i pairs = _mm512_loadu_si512(chunk.at + bytes + 64 * (step / 2));
        to[0] = _mm512_and_si512(step % 2 ? _mm512_srli_epi16(pairs, 4) : pairs, _mm512_set1_epi8(15));
    }
};

struct FewQ5_K : FewSuper<Q5_K, 48> {
    static COBLYN_INLINE void codes(const Chunk & chunk, int step, __m512i * to) {
        FewSuper::codes(chunk, step, to);
        const __m512i fifths = _mm512_broadcast_i64x4(_mm256_loadu_si256((const __m256i *) (chunk.at + 16)));
        const int     first = 1 << lane(step, 0), second = 1 << lane(step, 8);
        const __m512i bits = _mm512_inserti64x4(_mm512_set1_epi8((char) first), _mm256_set1_epi8((char) second), 1);
        to[0] = _mm512_mask_add_epi8(to[0], _mm512_test_epi8_mask(fifths, bits), to[0], _mm512_set1_epi8(16));
    }
};

// 256 values in sixteen runs of 16 with signed scales.
struct FewQ6_K {
    static constexpr int  kBlock = 210, kBlocks = 1, kValues = 256, kBytes = 210, kSteps = 4, kVectors = 1;
    static constexpr bool kHasMin = false;

    struct Chunk {
        const uint8_t * at;
        __m512          scale;
    };

    static COBLYN_INLINE Chunk open(const uint8_t * at, int) {
        const __m512i factors = _mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *) (at + 192)));
        const __m512  d       = _mm512_set1_ps(half_to_float(load<uint16_t>(at + 208)));
        return { at, _mm512_mul_ps(_mm512_cvtepi32_ps(factors), d) };
    }

    static constexpr int place(int block, int half) { return 32 * block + 16 * half; }

    static constexpr int lane(int step, int i) { return 4 * step + i / 4; }

    // For each 128 values 64 bytes of low halves, and 32 whose pairs of bits belong to four runs of 32.
    static COBLYN_INLINE void codes(const Chunk & chunk, int step, __m512i * to) {
        const __m512i pairs = _mm512_loadu_si512(chunk.at + 64 * (step / 2));
        const __m512i low   = _mm512_and_si512(step % 2 ? _mm512_srli_epi16(pairs, 4) : pairs, _mm512_set1_epi8(15));
        const __m512i upper = _mm512_broadcast_i64x4(_mm256_loadu_si256((const __m256i *) (chunk.at + 128 + 32 * (step / 2))));
        const __m512i moved = step % 2 ? _mm512_srlv_epi64(upper, _mm512_setr_epi64(0, 0, 0, 0, 2, 2, 2, 2))
                                       : _mm512_sllv_epi64(upper, _mm512_setr_epi64(4, 4, 4, 4, 2, 2, 2, 2));
        to[0] = _mm512_or_si512(low, _mm512_and_si512(moved, _mm512_set1_epi8(0x30)));
    }
};

// All tokens of a job, up to four at a time.
template <class Product> void run_in_fours(const Job & job) {
    int token = 0;
    for (; token + 4 <= job.tokens; token += 4) {
        Product::template rows<4>(job, token);
    }
    switch (job.tokens - token) {
        case 3: Product::template rows<3>(job, token); break;
        case 2: Product::template rows<2>(job, token); break;
        case 1: Product::template rows<1>(job, token); break;
        default: break;
    }
}

// How factors lie in a record, by type of chunk: 8 scales before 8 constants, 16 of each, or each twice.
enum class FewFactors { blocks, super, sixteens };

template <class L, FewFactors kind, int offset> struct FewProduct {
    using Record = FewRecord<L::kValues>;


    static void prepare(const float * from, int64_t length, void * to) {
        for (Record * record = (Record *) to; length > 0; ++record, from += L::kValues, length -= L::kValues) {
            prepare(from, (int) (length < L::kValues ? length : L::kValues), *record);
        }
    }

    static void prepare(const float * from, int length, Record & to) {
        if (length < L::kValues) {
            std::memset(&to, 0, sizeof to);
        }
        for (int block = 0; block < length / 32; ++block) {
            __m256i       low, high;
            const float   scale = to_codes(from + 32 * block, low, high);
            const __m256i codes = to_bytes(low, high);
            const __m128i sums  = pair_sums(codes);
            _mm_storeu_si128((__m128i *) (to.codes + L::place(block, 0)), _mm256_castsi256_si128(codes));
            _mm_storeu_si128((__m128i *) (to.codes + L::place(block, 1)), _mm256_extracti128_si256(codes, 1));
            put_factors(block, scale, both(_mm_cvtsi128_si32(sums)), both(_mm_extract_epi32(sums, 1)), to);
        }
    }

    static COBLYN_INLINE void put_factors(int block, float scale, int first, int second, Record & to) {
        if constexpr (kind == FewFactors::super) {
            to.scale[block]     = scale;
            to.scale[8 + block] = scale * (float) (first + second);
        } else if constexpr (kind == FewFactors::sixteens) {
            to.scale[2 * block] = to.scale[2 * block + 1] = scale;
            to.constant[2 * block]     = -offset * scale * (float) first;
            to.constant[2 * block + 1] = -offset * scale * (float) second;
        } else {
            to.scale[block]    = scale;
            to.constant[block] = (L::kHasMin ? 1 : -offset) * scale * (float) (first + second);
        }
    }

    static COBLYN_INLINE __m512i lanes(int step) {
        return _mm512_setr_epi32(L::lane(step, 0), L::lane(step, 1), L::lane(step, 2), L::lane(step, 3), L::lane(step, 4),
                                 L::lane(step, 5), L::lane(step, 6), L::lane(step, 7), L::lane(step, 8), L::lane(step, 9),
                                 L::lane(step, 10), L::lane(step, 11), L::lane(step, 12), L::lane(step, 13),
                                 L::lane(step, 14), L::lane(step, 15));
    }

    // What is added to codes, or to values: once for all runs of a chunk.
    template <class Chunk> static COBLYN_INLINE __m512 add_constant(const Chunk & chunk, const Record & act, __m512 scales, __m512 sum) {
        const __m512 constant = _mm512_load_ps(act.constant);
        if constexpr (kind == FewFactors::super) {
            return _mm512_mask_add_ps(sum, 0xff00, sum, scales);
        } else if constexpr (L::kHasMin) {
            return _mm512_fmadd_ps(chunk.min, constant, sum);
        } else {
            return _mm512_fmadd_ps(chunk.scale, constant, sum);
        }
    }

    template <int T> static COBLYN_INLINE void add(const uint8_t * at, int n, const Record * const * acts, int64_t c, __m512 * totals) {
        const auto chunk = L::open(at, n);
        __m512     scales[T];
        COBLYN_UNROLL
        for (int t = 0; t < T; ++t) {
            const Record & act = acts[t][c];
            scales[t]          = _mm512_mul_ps(chunk.scale, _mm512_load_ps(act.scale));
            totals[t]          = add_constant(chunk, act, scales[t], totals[t]);
        }
        COBLYN_UNROLL
        for (int step = 0; step < L::kSteps; ++step) {
            if (step * L::kBlocks >= n * L::kSteps) {
                break;
            }
            __m512i codes[2];
            L::codes(chunk, step, codes);
            COBLYN_UNROLL
            for (int t = 0; t < T; ++t) {
                const int8_t * act = acts[t][c].codes + 64 * L::kVectors * step;
                __m512i        sum = _mm512_dpbusd_epi32(_mm512_setzero_si512(), codes[0], _mm512_load_si512(act));
                if constexpr (L::kVectors == 2) {
                    sum = _mm512_dpbusd_epi32(sum, codes[1], _mm512_load_si512(act + 64));
                }
                const __m512 factor = _mm512_permutexvar_ps(lanes(step), scales[t]);
                totals[t]           = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum), factor, totals[t]);
            }
        }
    }

    template <int T> static void rows(const Job & job, int token) {
        const Record * acts[T];
        for (int t = 0; t < T; ++t) {
            acts[t] = (const Record *) job.acts[token + t];
        }
        const int64_t chunks = job.length / L::kValues;
        const int     rest   = (int) (job.length % L::kValues) / 32;
        for (int row = 0; row < job.rows; ++row) {
            const uint8_t * at = job.weights + row * job.row_bytes;
            __m512          totals[T];
            for (int t = 0; t < T; ++t) {
                totals[t] = _mm512_setzero_ps();
            }
            for (int64_t c = 0; c < chunks; ++c, at += L::kBytes) {
                prefetch((const char *) at + job.ahead, L::kBytes);
                add<T>(at, L::kBlocks, acts, c, totals);
            }
            if (L::kBlocks > 1 && rest > 0) {
                prefetch((const char *) at + job.ahead, rest * L::kBlock);
                add<T>(at, rest, acts, chunks, totals);
            }
            for (int t = 0; t < T; ++t) {
                job.outs[token + t][row] = _mm512_reduce_add_ps(totals[t]);
            }
        }
    }

    static void run(const Job & job) { run_in_fours<FewProduct>(job); }

    static constexpr Kernel kernel() {
        return { 8, sizeof(Record) * 32 / L::kValues, 0, L::kBlocks > 1 ? 32 : L::kValues, false, prepare, run, L::kValues, true };
    }
};

inline void add_few(InstructionSet & set) {
    set.few[Q4_0::kType] = FewProduct<FewHalves<Q4_0, 2, false>, FewFactors::blocks, 8>::kernel();
    set.few[Q4_1::kType] = FewProduct<FewHalves<Q4_1, 4, true>, FewFactors::blocks, 0>::kernel();
    set.few[Q5_0::kType] = FewProduct<FewFives<Q5_0, 6, false>, FewFactors::blocks, 16>::kernel();
    set.few[Q5_1::kType] = FewProduct<FewFives<Q5_1, 8, true>, FewFactors::blocks, 0>::kernel();
    set.few[Q8_0::kType] = FewProduct<FewBytes<Q8_0>, FewFactors::blocks, 128>::kernel();
    set.few[Q4_K::kType] = FewProduct<FewSuper<Q4_K, 16>, FewFactors::super, 0>::kernel();
    set.few[Q5_K::kType] = FewProduct<FewQ5_K, FewFactors::super, 0>::kernel();
    set.few[Q6_K::kType] = FewProduct<FewQ6_K, FewFactors::sixteens, 32>::kernel();
}

}  // namespace coblyn::kernels::COBLYN_ISA
