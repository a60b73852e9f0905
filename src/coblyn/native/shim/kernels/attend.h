// Attention for one instruction set: tiles of cells pass by a block of rows, and the softmax is carried along
// (Milakov, Gimelshein: "Online normalizer calculation for softmax", 2018; Dao: "FlashAttention-2", 2023).
//
// The rows always lie side by side: queries, scores and sums are transposed once, so that keys and values are
// read as stored, each row's softmax is a lane of a vector, and nothing is added up across lanes. The rows of
// all heads that share keys and values are processed together: each cell is widened once for all of them.
//
// V is a vector of V::kLanes floats; kDepth is the number of values broadcast against two vectors at a time.

#pragma once

#include "bits.h"
#include "exponential.h"
#include "kernel.h"

#include <cmath>
#include <limits>

namespace coblyn::kernels::COBLYN_ISA {

template <class V, int kDepth> struct Attend {
    using Float = typename V::Float;

    static constexpr int   kLanes    = V::kLanes;
    static constexpr int   kRows     = 2 * kLanes;
    static constexpr float kInfinity = std::numeric_limits<float>::infinity();

    // Cells of a tile: its keys, or its values, stay in the first-level cache.
    static int tile_of(int key_length) { return key_length <= 64 ? 96 : 48; }

    static int whole(int n, int multiple) { return (n + multiple - 1) / multiple * multiple; }

    struct Block {
        int     rows;     // of all heads, a multiple of kRows
        int     tile;     // cells
        float * queries;  // [key_length][rows]
        float * scores;   // [tile][rows]
        float * sums;     // [value_length][rows]
        float * keys;     // [tile][key_length]
        float * values;   // [tile][value_length]
        float * best;     // [rows]: the greatest score so far
        float * masses;   // [rows]: the sum of exp(score - best) so far
        float * mask;     // [tile][tokens]

    };

    static Block lay_out(float * scratch, int n_rows, int tokens, int key_length, int value_length) {
        Block block;
        block.rows      = whole(n_rows, kRows);
        block.tile      = tile_of(key_length);
        const auto take = [&scratch](int n) {
            float * at = scratch;
            scratch += whole(n, 16);
            return at;
        };
        block.queries = take(key_length * block.rows);
        block.scores  = take(block.tile * block.rows);
        block.sums    = take(value_length * block.rows);
        block.keys    = take(block.tile * key_length);
        block.values  = take(block.tile * value_length);
        block.best    = take(block.rows);
        block.masses  = take(block.rows);
        block.mask    = take(block.tile * tokens);
        return block;
    }

    static size_t scratch(int n_rows, int tokens, int key_length, int value_length) {
        const int rows = whole(n_rows, kRows), tile = tile_of(key_length);
        const int all  = (key_length + tile + value_length + 2) * rows + tile * (key_length + value_length + tokens);
        return (size_t) all + 8 * 16;  // each of the eight parts begins on a cache line
    }

    // Queries, already multiplied by the factor of the scores; zeros for rows that do not exist.
    static void turn_queries(const AttentionJob & job, const Block & block) {
        const float scale = job.softcap != 0 ? job.scale / job.softcap : job.scale;
        for (int row = 0; row < block.rows; ++row) {
            const bool    is_there = row < job.tokens * job.heads;
            const float * from     = (const float *) (job.queries + row % job.tokens * job.query_bytes[0] +
                                                  row / job.tokens * job.query_bytes[1]);
            for (int i = 0; i < job.keys.length; ++i) {
                block.queries[i * block.rows + row] = is_there ? scale * from[i] : 0;
            }
        }
    }

    // N rows of `left` (n numbers each, `stride` apart) times n pairs of vectors of `right` -> N pairs of vectors.
    // With kTurned, `left` is n rows of N numbers.
    template <int N, bool kTurned, bool kAdds>
    static void multiply(const float * left, int stride, const float * right, float * out, int rows, int n) {
        Float totals[N][2];
        for (int i = 0; i < N; ++i) {
            totals[i][0] = kAdds ? V::load_float(out + i * rows) : V::no_float();
            totals[i][1] = kAdds ? V::load_float(out + i * rows + kLanes) : V::no_float();
        }
        for (int k = 0; k < n; ++k) {
            const Float r0 = V::load_float(right + k * rows), r1 = V::load_float(right + k * rows + kLanes);
            for (int i = 0; i < N; ++i) {
                const Float a = V::spread_float(kTurned ? left[k * stride + i] : left[i * stride + k]);
                totals[i][0]  = V::multiply_add(r0, a, totals[i][0]);
                totals[i][1]  = V::multiply_add(r1, a, totals[i][1]);
            }
        }
        for (int i = 0; i < N; ++i) {
            V::store(out + i * rows, totals[i][0]);
            V::store(out + i * rows + kLanes, totals[i][1]);
        }
    }

    template <int N, bool kTurned, bool kAdds>
    static void multiply_rest(int rest, const float * left, int stride, const float * right, float * out, int rows, int n) {
        if constexpr (N > 0) {
            if (rest == N) {
                multiply<N, kTurned, kAdds>(left, stride, right, out, rows, n);
            } else {
                multiply_rest<N - 1, kTurned, kAdds>(rest, left, stride, right, out, rows, n);
            }
        }
    }

    static void widen(const AttentionCells & cells, int64_t first, int n, float * to) {
        for (int cell = 0; cell < n; ++cell) {
            widen_row<V>(cells.at + (first + cell) * cells.bytes, cells, to + cell * cells.length);
        }
    }

    static void score(const AttentionJob & job, const Block & block, int n) {
        for (int row = 0; row < block.rows; row += kRows) {
            int cell = 0;
            for (; cell + kDepth <= n; cell += kDepth) {
                multiply<kDepth, false, false>(block.keys + cell * job.keys.length, job.keys.length, block.queries + row,
                                               block.scores + cell * block.rows + row, block.rows, job.keys.length);
            }
            multiply_rest<kDepth - 1, false, false>(n - cell, block.keys + cell * job.keys.length, job.keys.length,
                                                    block.queries + row, block.scores + cell * block.rows + row,
                                                    block.rows, job.keys.length);
        }
    }

    static void add_values(const AttentionJob & job, const Block & block, int n) {
        for (int row = 0; row < block.rows; row += kRows) {
            int i = 0;
            for (; i + kDepth <= job.values.length; i += kDepth) {
                multiply<kDepth, true, true>(block.values + i, job.values.length, block.scores + row,
                                             block.sums + i * block.rows + row, block.rows, n);
            }
            multiply_rest<kDepth - 1, true, true>(job.values.length - i, block.values + i, job.values.length,
                                                  block.scores + row, block.sums + i * block.rows + row, block.rows, n);
        }
    }

    static void cap(const AttentionJob & job, const Block & block, int n) {
        for (int i = 0; i < n * block.rows; ++i) {
            block.scores[i] = job.softcap * std::tanh(block.scores[i]);
        }
    }

    enum class Seen { kNone, kAll, kSome };

    // The part of the mask that applies to these tokens for n cells from `first` on.
    static Seen look(const AttentionJob & job, int64_t first, int n) {
        constexpr uint16_t kHidden = 0xfc00;  // minus infinity
        if (job.mask == nullptr) {
            return Seen::kAll;
        }
        uint16_t any = 0, is_seen = 0;
        for (int token = 0; token < job.tokens; ++token) {
            const uint16_t * row = (const uint16_t *) (job.mask + token * job.mask_bytes) + first;
            for (int cell = 0; cell < n; ++cell) {
                any |= row[cell];
                is_seen |= row[cell] ^ kHidden;
            }
        }
        return is_seen == 0 ? Seen::kNone : any == 0 ? Seen::kAll : Seen::kSome;
    }

    static void add_mask(const AttentionJob & job, const Block & block, int64_t first, int n) {
        for (int token = 0; token < job.tokens; ++token) {
            const uint16_t * row = (const uint16_t *) (job.mask + token * job.mask_bytes) + first;
            for (int cell = 0; cell < n; ++cell) {
                block.mask[cell * job.tokens + token] = half_to_float(row[cell]);
            }
        }
        for (int cell = 0; cell < n; ++cell) {
            const float * mask = block.mask + cell * job.tokens;
            for (int head = 0; head < job.heads; ++head) {
                float *     scores = block.scores + cell * block.rows + head * job.tokens;
                const float slope  = job.slopes[head];
                for (int token = 0; token < job.tokens; ++token) {
                    scores[token] += slope * mask[token];
                }
            }
        }
    }

    // Scores to weights. What was summed with a smaller maximum is scaled down to the new one.
    static void weigh(const AttentionJob & job, const Block & block, int n) {
        const Float one = V::spread_float(1);
        for (int row = 0; row < block.rows; row += kLanes) {
            float *     scores = block.scores + row;
            const Float before = V::load_float(block.best + row);
            Float       best   = before;
            for (int cell = 0; cell < n; ++cell) {
                best = V::greater(best, V::load_float(scores + cell * block.rows));
            }
            V::store(block.best + row, best);
            // A row that has seen nothing yet: its scores are minus infinity, and so is the maximum subtracted from them.
            best              = V::greater(best, V::spread_float(-std::numeric_limits<float>::max()));
            const Float scale = exponential<V>(V::subtract(before, best));
            Float       mass  = V::multiply(scale, V::load_float(block.masses + row));
            for (int cell = 0; cell < n; ++cell) {
                const Float weight = exponential<V>(V::subtract(V::load_float(scores + cell * block.rows), best));
                V::store(scores + cell * block.rows, weight);
                mass = V::add(mass, weight);
            }
            V::store(block.masses + row, mass);
            if (!V::are_equal(scale, one)) {
                for (int i = 0; i < job.values.length; ++i) {
                    float * sum = block.sums + i * block.rows + row;
                    V::store(sum, V::multiply(V::load_float(sum), scale));
                }
            }
        }
    }

    static void finish(const AttentionJob & job, const Block & block) {
        for (int row = 0; row < job.tokens * job.heads; ++row) {
            const int head = row / job.tokens;
            float     mass = block.masses[row], scale = 1;
            if (job.sinks != nullptr) {
                const float sink = job.sinks[head], best = block.best[row];
                scale = sink > best ? std::exp(best - sink) : 1;
                mass  = mass * scale + (sink > best ? 1 : std::exp(sink - best));
            }
            scale       = mass == 0 ? 0 : scale / mass;
            float * out = (float *) (job.out + row % job.tokens * job.out_bytes[0] + head * job.out_bytes[1]);
            for (int i = 0; i < job.values.length; ++i) {
                out[i] = scale * block.sums[i * block.rows + row];
            }
        }
    }

    static void run(const AttentionJob & job) {
        const Block block =
            lay_out(job.scratch, job.tokens * job.heads, job.tokens, job.keys.length, job.values.length);
        turn_queries(job, block);
        for (int i = 0; i < block.rows; ++i) {
            block.best[i]   = -kInfinity;
            block.masses[i] = 0;
        }
        for (int i = 0; i < job.values.length * block.rows; ++i) {
            block.sums[i] = 0;
        }
        for (int64_t first = 0; first < job.cells; first += block.tile) {
            const int  n    = (int) (job.cells - first < block.tile ? job.cells - first : block.tile);
            const Seen seen = look(job, first, n);
            if (seen == Seen::kNone) {
                continue;
            }
            widen(job.keys, first, n, block.keys);
            score(job, block, n);
            if (job.softcap != 0) {
                cap(job, block, n);
            }
            if (seen == Seen::kSome) {
                add_mask(job, block, first, n);
            }
            weigh(job, block, n);
            widen(job.values, first, n, block.values);
            add_values(job, block, n);
        }
        finish(job, block);
    }

    static constexpr Attention attention() { return { scratch, run }; }
};

}  // namespace coblyn::kernels::COBLYN_ISA
