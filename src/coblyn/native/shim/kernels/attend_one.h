// Attention of one token, as in a decode step, for one instruction set.
//
// There are few rows (the heads that share keys), so vectors are filled with the numbers of a head, and with
// cells once there are scores. Half precision is widened as it is multiplied, for several heads at once; other types
// are widened a tile at a time. Tiles may be distributed among several threads, each with a part of its own; `join`
// combines them.

#pragma once

#include "bits.h"
#include "exponential.h"
#include "kernel.h"

#include <cmath>
#include <limits>
#include <type_traits>

namespace coblyn::kernels::COBLYN_ISA {

template <class V> struct AttendOne {
    using Float = typename V::Float;

    static constexpr int   kLanes    = V::kLanes;
    static constexpr int   kTile     = 64;
    static constexpr int   kHeads    = 4;  // processed together, at most
    static constexpr float kInfinity = std::numeric_limits<float>::infinity();
    static constexpr float kLowest   = std::numeric_limits<float>::lowest();

    static int whole(int n) { return (n + 15) / 16 * 16; }

    // A head's part: its maximum score, the sum of exp(score - maximum), from kLead on the weighted values, and after
    // them the query, already multiplied by the factor of the scores, followed by zeros.
    static constexpr int kLead = 16;

    struct Part {
        int     value_stride, key_stride;
        float * at;

        Part(const AttentionJob & job, float * parts, int head)
            : value_stride(whole(job.values.length)), key_stride(whole(job.keys.length)), at(parts + head * floats()) {}

        int     floats() const { return kLead + value_stride + key_stride; }
        float & best() const { return at[0]; }
        float & mass() const { return at[1]; }
        float * sums() const { return at + kLead; }
        float * query() const { return at + kLead + value_stride; }
    };

    static size_t part_floats(int heads, int key_length, int value_length) {
        return (size_t) heads * (kLead + whole(value_length) + whole(key_length));
    }

    // The scores of each head, and a tile's keys or values.
    static size_t scratch(int heads, int key_length, int value_length) {
        return (size_t) kTile * (whole(key_length > value_length ? key_length : value_length) + heads);
    }

    static float * scores_of(const AttentionJob & job, int head) { return job.scratch + head * kTile; }
    static float * wide_of(const AttentionJob & job) { return job.scratch + job.heads * kTile; }

    // Cells as they lie in memory, in half precision. The heads of a cell lie side by side; the next cell is too far away for
    // the hardware prefetcher. `foresee` fetches what follows a head's numbers: those of the next heads, needed next.
    struct Halves {
        const char * at;
        size_t       bytes;  // from a cell to the next
        size_t       size;

        Float load(int cell, int i) const { return V::widen_half((const uint16_t *) (at + cell * bytes) + i); }
        void  foresee(int cell) const { prefetch(at + cell * bytes + size, size); }
    };

    // Cells that were widened.
    struct Floats {
        const float * at;
        int           stride;

        Float load(int cell, int i) const { return V::load_float(at + cell * stride + i); }
        void  foresee(int) const {}
    };

    static bool is_read_in_place(const AttentionCells & cells, int n) {
        return cells.widen == nullptr && cells.length % 16 == 0 && n % kLanes == 0;
    }

    // Calls `use` with n cells from `first` on, as they are or widened.
    template <class Use>
    static void read(const AttentionJob & job, const AttentionCells & cells, int64_t first, int n, const Use & use) {
        const char * from = cells.at + first * cells.bytes;
        if (is_read_in_place(cells, n)) {
            use(Halves{ from, cells.bytes, cells.size });
            return;
        }
        const int stride = whole(cells.length);
        float *   wide   = wide_of(job);
        for (int cell = 0; cell < n; ++cell, from += cells.bytes) {
            prefetch(from + cells.size, cells.size);
            widen_row<V>(from, cells, wide + cell * stride);
            for (int i = cells.length; i < stride; ++i) {
                wide[cell * stride + i] = 0;  // it is multiplied as well
            }
        }
        use(Floats{ wide, stride });
    }

    static void begin(const AttentionJob & job, float * parts) {
        const float scale = job.softcap != 0 ? job.scale / job.softcap : job.scale;
        for (int head = 0; head < job.heads; ++head) {
            const Part    part(job, parts, head);
            const float * from = (const float *) (job.queries + head * job.query_bytes[1]);
            for (int i = 0; i < part.floats(); ++i) {
                part.at[i] = 0;
            }
            part.best() = kLowest;
            for (int i = 0; i < job.keys.length; ++i) {
                part.query()[i] = scale * from[i];
            }
        }
    }

    // Calls `use` with the first of each H heads and H itself as a constant: as many as fit well into registers.
    template <int H = kHeads, class Use> static void for_heads(int n, const Use & use, int head = 0) {
        for (; head + H <= n; head += H) {
            use(head, std::integral_constant<int, H>());
        }
        if constexpr (H > 1) {
            for_heads<H - 1>(n, use, head);
        }
    }

    // Products of H queries with kLanes keys, from cell `first` on; kCells at a time fit into registers.
    template <int H, class Cells>
    static void dots(const AttentionJob & job, const Cells & keys, int first, float * parts, int head) {
        constexpr int kMost  = H == 1 ? 8 : H < 4 ? 4 : 2, kCells = kMost < kLanes ? kMost : kLanes;
        Float         sums[H][kLanes];
        const float * queries[H];
        for (int h = 0; h < H; ++h) {
            queries[h] = Part(job, parts, head + h).query();
        }
        const int stride = whole(job.keys.length);
        for (int cell = 0; cell < kLanes; cell += kCells) {
            Float own[H][kCells];
            for (int h = 0; h < H; ++h) {
                for (int c = 0; c < kCells; ++c) {
                    own[h][c] = V::no_float();
                }
            }
            for (int i = 0; i < stride; i += kLanes) {
                for (int c = 0; c < kCells; ++c) {
                    const Float key = keys.load(first + cell + c, i);
                    for (int h = 0; h < H; ++h) {
                        own[h][c] = V::multiply_add(key, V::load_float(queries[h] + i), own[h][c]);
                    }
                }
            }
            for (int h = 0; h < H; ++h) {
                for (int c = 0; c < kCells; ++c) {
                    sums[h][cell + c] = own[h][c];
                }
            }
        }
        for (int h = 0; h < H; ++h) {
            V::store(scores_of(job, head + h) + first, V::sums(sums[h]));
        }
    }

    // Scores of n cells from `first` on; missing cells get minus infinity.
    template <class Cells>
    static void score(const AttentionJob & job, const Cells & keys, int64_t first, int n, float * parts) {
        for (int cell = 0; cell < n; cell += kLanes) {
            for (int i = 0; i < kLanes; ++i) {
                keys.foresee(cell + i);
            }
            for_heads(job.heads, [&](int head, auto h) { dots<h>(job, keys, cell, parts, head); });
        }
        for (int head = 0; head < job.heads; ++head) {
            float * scores = scores_of(job, head);
            for (int cell = 0; job.softcap != 0 && cell < n; ++cell) {
                scores[cell] = job.softcap * std::tanh(scores[cell]);
            }
            if (job.mask != nullptr) {
                add_mask((const uint16_t *) job.mask + first, job.slopes[head], n, scores);
            }
            for (int cell = n; cell < kTile; ++cell) {
                scores[cell] = -kInfinity;
            }
        }
    }

    static void add_mask(const uint16_t * mask, float slope, int n, float * scores) {
        const Float spread = V::spread_float(slope);
        int         cell   = 0;
        for (; cell + kLanes <= n; cell += kLanes) {
            V::store(scores + cell, V::multiply_add(spread, V::widen_half(mask + cell), V::load_float(scores + cell)));
        }
        for (; cell < n; ++cell) {
            scores[cell] += slope * half_to_float(mask[cell]);
        }
    }

    // The maximum of a tile's scores and another score; NaN is skipped.
    static float greatest(const float * scores, float other) {
        Float top = V::spread_float(other);
        for (int cell = 0; cell < kTile; cell += kLanes) {
            top = V::greater(V::load_float(scores + cell), top);
        }
        float lanes[kLanes];
        V::store(lanes, top);
        for (const float lane : lanes) {
            other = lane > other ? lane : other;
        }
        return other;
    }

    // Scores to weights; earlier sums are scaled to the new maximum. A score that is NaN makes
    // its weight NaN, and so the mass and the result.
    static void weigh(const AttentionJob & job, float * parts) {
        for (int head = 0; head < job.heads; ++head) {
            const Part  part(job, parts, head);
            float *     scores = scores_of(job, head);
            const float best   = greatest(scores, part.best());
            const float scale  = part.best() == best ? 1 : std::exp(part.best() - best);
            const Float spread = V::spread_float(best);
            Float       sums   = V::no_float();
            for (int cell = 0; cell < kTile; cell += kLanes) {
                const Float weights = exponential<V>(V::subtract(V::load_float(scores + cell), spread));
                V::store(scores + cell, weights);
                sums = V::add(sums, weights);
            }
            float masses[kLanes];
            V::store(masses, sums);
            float mass = scale * part.mass();
            for (const float lane : masses) {
                mass += lane;
            }
            part.best() = best;
            part.mass() = mass;
            for (int i = 0; scale != 1 && i < part.value_stride; ++i) {
                part.sums()[i] *= scale;
            }
        }
    }

    // N vectors of the values' numbers, from `first` on, for H heads.
    template <int H, int N, class Cells>
    static void add_vectors(const AttentionJob & job, const Cells & values, int n, int first, float * parts, int head) {
        Float         sums[H][N];
        const float * weights[H];
        float *       to[H];
        for (int h = 0; h < H; ++h) {
            weights[h] = scores_of(job, head + h);
            to[h]      = Part(job, parts, head + h).sums() + first;
            for (int i = 0; i < N; ++i) {
                sums[h][i] = V::load_float(to[h] + i * kLanes);
            }
        }
        for (int cell = 0; cell < n; ++cell) {
            if (first == 0 && head == 0) {
                values.foresee(cell);
            }
            for (int i = 0; i < N; ++i) {
                const Float value = values.load(cell, first + i * kLanes);
                for (int h = 0; h < H; ++h) {
                    sums[h][i] = V::multiply_add(V::spread_float(weights[h][cell]), value, sums[h][i]);
                }
            }
        }
        for (int h = 0; h < H; ++h) {
            for (int i = 0; i < N; ++i) {
                V::store(to[h] + i * kLanes, sums[h][i]);
            }
        }
    }

    template <class Cells> static void add_values(const AttentionJob & job, const Cells & values, int n, float * parts) {
        const int stride = whole(job.values.length);
        for_heads(job.heads, [&](int head, auto h) {
            constexpr int kVectors = h == 1 ? 8 : h < 4 ? 4 : 3;
            int           i        = 0;
            for (; i + kVectors * kLanes <= stride; i += kVectors * kLanes) {
                add_vectors<h, kVectors>(job, values, n, i, parts, head);
            }
            for (; i < stride; i += kLanes) {
                add_vectors<h, 1>(job, values, n, i, parts, head);
            }
        });
    }

    static bool is_hidden(const AttentionJob & job, int64_t first, int n) {
        constexpr uint16_t kHidden = 0xfc00;  // minus infinity
        uint16_t           is_seen = job.mask == nullptr;
        for (int cell = 0; job.mask != nullptr && cell < n; ++cell) {
            is_seen |= ((const uint16_t *) job.mask)[first + cell] ^ kHidden;
        }
        return is_seen == 0;
    }

    // At most kTile cells, from `first` on, into a part.
    static void add(const AttentionJob & job, int64_t first, int n, float * parts) {
        if (is_hidden(job, first, n)) {
            return;
        }
        read(job, job.keys, first, n, [&](const auto & keys) { score(job, keys, first, n, parts); });
        weigh(job, parts);
        read(job, job.values, first, n, [&](const auto & values) { add_values(job, values, n, parts); });
    }

    // The result of one head from all parts, which are `stride` floats apart.
    static void join(const AttentionJob & job, int head, float * parts, size_t stride, int n) {
        const float * sink = job.sinks == nullptr ? nullptr : job.sinks + head;
        float         best = sink == nullptr ? kLowest : *sink;
        for (int i = 0; i < n; ++i) {
            const float other = Part(job, parts + i * stride, head).best();
            best              = other > best ? other : best;
        }
        float * out = (float *) (job.out + head * job.out_bytes[1]);
        for (int k = 0; k < job.values.length; ++k) {
            out[k] = 0;
        }
        float mass = sink == nullptr ? 0 : std::exp(*sink - best);
        for (int i = 0; i < n; ++i) {
            const Part part(job, parts + i * stride, head);
            mass += std::exp(part.best() - best) * part.mass();
        }
        for (int i = 0; i < n && mass != 0; ++i) {  // 0: nothing was seen
            const Part  part(job, parts + i * stride, head);
            const float scale = std::exp(part.best() - best) / mass;
            for (int k = 0; k < job.values.length; ++k) {
                out[k] += scale * part.sums()[k];
            }
        }
    }

    static constexpr AttentionOfOne attention() { return { kTile, part_floats, scratch, begin, add, join }; }
};

}  // namespace coblyn::kernels::COBLYN_ISA
