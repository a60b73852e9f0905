// Attention of one token, as in a decode step, for one instruction set.
//
// There are few rows (the heads that share keys), so it is not they that fill a vector but the numbers of a head, and
// the cells once there are scores. A tile of cells is widened once and serves all heads. Tiles are dealt out among
// several who each keep a part: their parts are joined by `join`.

#pragma once

#include "bits.h"
#include "exponential.h"
#include "kernel.h"

#include <cmath>
#include <limits>

namespace coblyn::accel::COBLYN_ISA {

template <class V> struct AttendOne {
    using Float = typename V::Float;

    static constexpr int   kLanes    = V::kLanes;
    static constexpr int   kTile     = 64;
    static constexpr int   kVectors  = 8;  // that a sum keeps in registers
    static constexpr float kInfinity = std::numeric_limits<float>::infinity();

    static int whole(int n) { return (n + 15) / 16 * 16; }

    // A head's part: its greatest score, the sum of exp(score - greatest), and from kLead on the weighted values.
    static constexpr int kLead = 16;

    static size_t part_floats(int heads, int value_length) { return (size_t) heads * (kLead + whole(value_length)); }

    static size_t scratch(int heads, int key_length, int value_length) {
        return (size_t) (heads + kTile) * whole(key_length) + (size_t) kTile * whole(value_length) + (size_t) heads * kTile;
    }

    struct Block {
        int     key_stride, value_stride;
        float * queries;  // [heads][key_stride]
        float * keys;     // [kTile][key_stride], zeros behind the length
        float * values;   // [kTile][value_stride]
        float * scores;   // [heads][kTile]
    };

    static Block lay_out(const AttentionJob & job) {
        Block block;
        block.key_stride   = whole(job.key_length);
        block.value_stride = whole(job.value_length);
        block.queries      = job.scratch;
        block.keys         = block.queries + job.heads * block.key_stride;
        block.values       = block.keys + kTile * block.key_stride;
        block.scores       = block.values + kTile * block.value_stride;
        if (job.key_length != block.key_stride) {  // what is behind the length is multiplied, too
            for (float * at = block.queries; at < block.values; ++at) {
                *at = 0;
            }
        }
        const float scale = job.softcap != 0 ? job.scale / job.softcap : job.scale;
        for (int head = 0; head < job.heads; ++head) {
            const float * from = (const float *) (job.queries + head * job.query_bytes[1]);
            for (int i = 0; i < job.key_length; ++i) {
                block.queries[head * block.key_stride + i] = scale * from[i];
            }
        }
        return block;
    }

    // Products of one query with kLanes keys.
    static Float dots(const float * query, const float * keys, int stride) {
        Float sums[kLanes];
        for (Float & sum : sums) {
            sum = V::no_float();
        }
        for (int i = 0; i < stride; i += kLanes) {
            const Float q = V::load_float(query + i);
            for (int cell = 0; cell < kLanes; ++cell) {
                sums[cell] = V::multiply_add(q, V::load_float(keys + cell * stride + i), sums[cell]);
            }
        }
        return V::sums(sums);
    }

    // Scores of n cells from `first` on; cells that are not there have minus infinity.
    static void score(const AttentionJob & job, const Block & block, int64_t first, int n) {
        const uint16_t * mask = job.mask == nullptr ? nullptr : (const uint16_t *) job.mask + first;
        for (int head = 0; head < job.heads; ++head) {
            float * scores = block.scores + head * kTile;
            for (int cell = 0; cell < n; cell += kLanes) {
                V::store(scores + cell, dots(block.queries + head * block.key_stride, block.keys + cell * block.key_stride,
                                             block.key_stride));
            }
            for (int cell = 0; job.softcap != 0 && cell < n; ++cell) {
                scores[cell] = job.softcap * std::tanh(scores[cell]);
            }
            for (int cell = 0; mask != nullptr && cell < n; ++cell) {
                scores[cell] += mask[cell] == 0 ? 0 : job.slopes[head] * half_to_float(mask[cell]);
            }
            for (int cell = n; cell < kTile; ++cell) {
                scores[cell] = -kInfinity;
            }
        }
    }

    // Scores to weights; what was summed up before is scaled to the new greatest score.
    static void weigh(const AttentionJob & job, const Block & block, float * part) {
        for (int head = 0; head < job.heads; ++head) {
            float * scores = block.scores + head * kTile;
            float * own    = part + head * (kLead + block.value_stride);
            float   best   = own[0];
            for (int cell = 0; cell < kTile; ++cell) {
                best = scores[cell] <= best ? best : scores[cell];  // what is no number is not passed over
            }
            if (best == -kInfinity) {
                continue;  // nothing was seen yet, and `add_values` passes over the head
            }
            const float scale  = own[0] == best ? 1 : std::exp(own[0] - best);
            const Float spread = V::spread_float(best);
            Float       sums   = V::no_float();
            for (int cell = 0; cell < kTile; cell += kLanes) {
                const Float weights = exponential<V>(V::subtract(V::load_float(scores + cell), spread));
                V::store(scores + cell, weights);
                sums = V::add(sums, weights);
            }
            float masses[kLanes];
            V::store(masses, sums);
            float mass = scale * own[1];
            for (const float lane : masses) {
                mass += lane;
            }
            own[0] = best;
            own[1] = mass;
            for (int i = 0; scale != 1 && i < block.value_stride; ++i) {
                own[kLead + i] *= scale;
            }
        }
    }

    template <int N> static void add_vectors(const float * weights, int n, const float * values, int stride, float * out) {
        Float sums[N];
        for (int i = 0; i < N; ++i) {
            sums[i] = V::load_float(out + i * kLanes);
        }
        for (int cell = 0; cell < n; ++cell) {
            const Float weight = V::spread_float(weights[cell]);
            for (int i = 0; i < N; ++i) {
                sums[i] = V::multiply_add(weight, V::load_float(values + cell * stride + i * kLanes), sums[i]);
            }
        }
        for (int i = 0; i < N; ++i) {
            V::store(out + i * kLanes, sums[i]);
        }
    }

    static void add_values(const AttentionJob & job, const Block & block, int n, float * part) {
        for (int head = 0; head < job.heads; ++head) {
            float *       out     = part + head * (kLead + block.value_stride) + kLead;
            const float * weights = block.scores + head * kTile;
            if (part[head * (kLead + block.value_stride)] == -kInfinity) {
                continue;
            }
            int i = 0;
            for (; i + kVectors * kLanes <= block.value_stride; i += kVectors * kLanes) {
                add_vectors<kVectors>(weights, n, block.values + i, block.value_stride, out + i);
            }
            for (; i < block.value_stride; i += kLanes) {
                add_vectors<1>(weights, n, block.values + i, block.value_stride, out + i);
            }
        }
    }

    static bool is_hidden(const AttentionJob & job, int64_t first, int n) {
        constexpr uint16_t kHidden = 0xfc00;  // minus infinity
        uint16_t           is_seen = job.mask == nullptr;
        for (int cell = 0; job.mask != nullptr && cell < n; ++cell) {
            is_seen |= ((const uint16_t *) job.mask)[first + cell] ^ kHidden;
        }
        return is_seen == 0;
    }

    // Tiles `index`, `index + step`, ... of the cells, into a part.
    static void attend(const AttentionJob & job, int index, int step, float * part) {
        const Block block = lay_out(job);
        for (size_t i = 0; i < part_floats(job.heads, job.value_length); ++i) {
            part[i] = 0;
        }
        for (int head = 0; head < job.heads; ++head) {
            part[head * (kLead + block.value_stride)] = -kInfinity;
        }
        for (int64_t first = (int64_t) index * kTile; first < job.cells; first += (int64_t) step * kTile) {
            const int n = (int) (job.cells - first < kTile ? job.cells - first : kTile);
            if (is_hidden(job, first, n)) {
                continue;
            }
            widen<V>(job.keys + first * job.key_bytes, job.key_bytes, n, job.key_length, job.widen_keys, block.keys, block.key_stride);
            score(job, block, first, n);
            weigh(job, block, part);
            widen<V>(job.values + first * job.value_bytes, job.value_bytes, n, job.value_length, job.widen_values, block.values,
                     block.value_stride);
            add_values(job, block, n, part);
        }
    }

    // The result of one head from all parts, which lie `stride` floats apart.
    static void join(const AttentionJob & job, int head, const float * parts, size_t stride, int n) {
        const int     own  = head * (kLead + whole(job.value_length));
        const float * sink = job.sinks == nullptr ? nullptr : job.sinks + head;
        float         best = sink == nullptr ? -kInfinity : *sink;
        for (int i = 0; i < n; ++i) {
            best = parts[i * stride + own] <= best ? best : parts[i * stride + own];
        }
        float * out = (float *) (job.out + head * job.out_bytes[1]);
        for (int k = 0; k < job.value_length; ++k) {
            out[k] = 0;
        }
        if (best == -kInfinity) {
            return;
        }
        float mass = sink == nullptr ? 0 : std::exp(*sink - best);
        for (int i = 0; i < n; ++i) {
            mass += std::exp(parts[i * stride + own] - best) * parts[i * stride + own + 1];
        }
        for (int i = 0; i < n; ++i) {
            const float scale = std::exp(parts[i * stride + own] - best) / mass;
            for (int k = 0; k < job.value_length; ++k) {
                out[k] += scale * parts[i * stride + own + kLead + k];
            }
        }
    }

    static constexpr AttentionOfOne attention() { return { part_floats, scratch, attend, join }; }
};

}  // namespace coblyn::accel::COBLYN_ISA
