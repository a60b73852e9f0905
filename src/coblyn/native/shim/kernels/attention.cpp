#include "attention.h"

#include "aligned.h"
#include "barrier.h"
#include "policy.h"

#include "ggml-backend.h"
#include "ggml-cpu-impl.h"
#include "ggml.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <new>
#include <numeric>

namespace coblyn::kernels {

namespace {

// Rows of one piece of work, all heads that share keys together: enough to widen a cell once for many, few enough for
// the second-level cache.
constexpr int kBlockRows = 96;
constexpr int kMaxHeads  = 128;
constexpr int kMaxLength = 1024;

struct Parameters {
    float scale;
    float max_bias;
    float softcap;

    explicit Parameters(const ggml_tensor * op) { std::memcpy((void *) this, op->op_params, sizeof *this); }
};

const ggml_tensor * queries_of(const ggml_tensor * op) { return op->src[0]; }
const ggml_tensor * keys_of(const ggml_tensor * op) { return op->src[1]; }
const ggml_tensor * values_of(const ggml_tensor * op) { return op->src[2]; }
const ggml_tensor * mask_of(const ggml_tensor * op) { return op->src[3]; }
const ggml_tensor * sinks_of(const ggml_tensor * op) { return op->src[4]; }

// Query heads that share a head of keys.
int64_t heads_in_group(const ggml_tensor * op) {
    return queries_of(op)->ne[2] / keys_of(op)->ne[2];
}

int64_t tokens_in_block(const ggml_tensor * op) {
    return std::clamp<int64_t>(kBlockRows / heads_in_group(op), 1, queries_of(op)->ne[1]);
}

bool is_single(const ggml_tensor * op) {
    return queries_of(op)->ne[1] == 1;
}

size_t scratch_floats(const ggml_tensor * op) {
    if (is_single(op)) {
        return current_set()->attention_of_one.scratch((int) heads_in_group(op), (int) keys_of(op)->ne[0],
                                                       (int) values_of(op)->ne[0]);
    }
    const int tokens = (int) tokens_in_block(op);
    return current_set()->attention.scratch(tokens * (int) heads_in_group(op), tokens, (int) keys_of(op)->ne[0],
                                            (int) values_of(op)->ne[0]);
}

// Heads of keys, over all streams, each with the query heads that share it.
int64_t groups(const ggml_tensor * op) {
    return keys_of(op)->ne[2] * queries_of(op)->ne[3];
}

// The number of threads that share the cells of a head, so that every thread has the same number of heads.
int64_t sharers(const ggml_tensor * op, int threads) {
    return threads / std::gcd((int64_t) threads, keys_of(op)->ne[2]);
}

// Bytes of one part of a single token's attention.
size_t part_bytes(const ggml_tensor * op) {
    const AttentionOfOne & attention = current_set()->attention_of_one;
    const int              keys = (int) keys_of(op)->ne[0], values = (int) values_of(op)->ne[0];
    return aligned(4 * attention.part_floats((int) heads_in_group(op), keys, values));
}

// Before the threads' own parts: the number of the next piece of work, or what is combined at the end.
size_t shared_bytes(const ggml_tensor * op, int threads) {
    return is_single(op) ? part_bytes(op) * (size_t) (groups(op) * sharers(op, threads)) : kLine;
}

using Widen = void (*)(const void *, float *, int64_t);

void copy_floats(const void * from, float * to, int64_t n) {
    std::memcpy(to, from, sizeof(float) * (size_t) n);
}

// Null for half precision, which the kernels widen themselves.
Widen widen_of(ggml_type type) {
    if (type == GGML_TYPE_F16) {
        return nullptr;
    }
    return type == GGML_TYPE_F32 ? copy_floats : ggml_get_type_traits(type)->to_float;
}

bool can_widen(ggml_type type) {
    return type == GGML_TYPE_F16 || widen_of(type) != nullptr;
}

AttentionCells cells_of(const ggml_tensor * all, int64_t head, int64_t stream) {
    AttentionCells cells;
    cells.at     = (const char *) all->data + head * all->nb[2] + stream * all->nb[3];
    cells.bytes  = all->nb[1];
    cells.size   = ggml_row_size(all->type, all->ne[0]);
    cells.length = (int) all->ne[0];
    cells.widen  = widen_of(all->type);
    return cells;
}

// The slope of a head under ALiBi (Press, Smith, Lewis: "Train Short, Test Long", 2021), as ggml numbers heads.
float slope_of(int64_t head, int64_t n_heads, float max_bias) {
    if (max_bias <= 0) {
        return 1;
    }
    const int   power = 1 << (int) std::floor(std::log2((double) n_heads));
    const float base  = std::exp2(-(head < power ? max_bias : max_bias / 2) / (float) power);
    return std::pow(base, (float) (head < power ? head + 1 : 2 * (head - power) + 1));
}

class Worker {
  public:
    Worker(const ggml_compute_params * params, ggml_tensor * op)
        : params_(params), op_(op), q_(queries_of(op)), k_(keys_of(op)), v_(values_of(op)), parameters_(op) {
        scratch_ = (float *) ((char *) params->wdata + shared_bytes(op, params->nth) +
                              aligned(4 * scratch_floats(op)) * (size_t) params->ith);
    }

    void run() {
        if (is_single(op_)) {
            run_single();
        } else {
            run_many();
        }
    }

  private:
    void run_many() {
        auto & next = *(std::atomic<int64_t> *) params_->wdata;
        if (params_->ith == 0) {
            new (params_->wdata) std::atomic<int64_t>(0);
        }
        Barrier::of(params_->threadpool).wait(params_->nth);
        const int64_t tokens = tokens_in_block(op_), blocks = (q_->ne[1] + tokens - 1) / tokens;
        const int64_t all = blocks * k_->ne[2] * q_->ne[3];
        for (int64_t i; (i = next.fetch_add(1, std::memory_order_relaxed)) < all;) {
            // The last tokens see most cells; the longest work comes first, so that no thread waits long at the end.
            const int64_t block = blocks - 1 - i / (k_->ne[2] * q_->ne[3]);
            const int64_t first = block * tokens;
            float         slopes[kMaxHeads];
            current_set()->attention.attend(
                job_of(first, std::min(tokens, q_->ne[1] - first), i % (k_->ne[2] * q_->ne[3]), slopes));
        }
    }

    // Heads are distributed among teams of threads and, where there are fewer heads than threads, tiles of cells within a team.
    void run_single() {
        const int64_t n = sharers(op_, params_->nth), share = params_->ith % n;
        const int64_t heads = k_->ne[2] * n / params_->nth, first = params_->ith / n * heads;
        for (int64_t stream = 0; stream < q_->ne[3]; ++stream) {
            attend_single(stream * k_->ne[2] + first, heads, share, n);
        }
        if (n > 1) {
            Barrier::of(params_->threadpool).wait(params_->nth);
        }
        for (int64_t stream = 0; stream < q_->ne[3]; ++stream) {
            join_single(stream * k_->ne[2] + first, heads, share, n);
        }
    }

    // Every n-th tile of some heads. All heads use a tile before the next one is read: in memory the heads of a
    // cell lie side by side.
    void attend_single(int64_t first_group, int64_t n_groups, int64_t share, int64_t n) const {
        const AttentionOfOne & attention = current_set()->attention_of_one;
        float                  slopes[kMaxHeads];
        for (int64_t group = first_group; group < first_group + n_groups; ++group) {
            attention.begin(job_of(0, 1, group, slopes), part(group * n + share));
        }
        for (int64_t cell = share * attention.tile; cell < k_->ne[1]; cell += n * attention.tile) {
            const int64_t cells = std::min<int64_t>(attention.tile, k_->ne[1] - cell);
            for (int64_t group = first_group; group < first_group + n_groups; ++group) {
                attention.add(job_of(0, 1, group, slopes), cell, (int) cells, part(group * n + share));
            }
        }
    }

    // The heads' results that one of the n sharing threads has to combine.
    void join_single(int64_t first_group, int64_t n_groups, int64_t share, int64_t n) const {
        const int64_t heads = heads_in_group(op_);
        float         slopes[kMaxHeads];
        for (int64_t i = share; i < n_groups * heads; i += n) {
            const int64_t group = first_group + i / heads;
            current_set()->attention_of_one.join(job_of(0, 1, group, slopes), (int) (i % heads), part(group * n),
                                                 part_bytes(op_) / sizeof(float), (int) n);
        }
    }

    float * part(int64_t i) const { return (float *) ((char *) params_->wdata + part_bytes(op_) * (size_t) i); }

    // Some tokens of a stream, in the heads that share a head of keys. `slopes` has room for kMaxHeads and is kept.
    AttentionJob job_of(int64_t first, int64_t tokens, int64_t group_index, float * slopes) const {
        const int64_t i2 = group_index % k_->ne[2], i3 = group_index / k_->ne[2];
        const int64_t group = heads_in_group(op_), head = i2 * group;
        const int64_t j3    = i3 / (q_->ne[3] / k_->ne[3]);
        for (int64_t i = 0; i < group; ++i) {
            slopes[i] = slope_of(head + i, q_->ne[2], parameters_.max_bias);
        }
        AttentionJob job{};
        job.queries        = (const char *) q_->data + first * q_->nb[1] + head * q_->nb[2] + i3 * q_->nb[3];
        job.query_bytes[0] = q_->nb[1];
        job.query_bytes[1] = q_->nb[2];
        // The result has its heads before its tokens.
        job.out            = (char *) op_->data + head * op_->nb[1] + first * op_->nb[2] + i3 * op_->nb[3];
        job.out_bytes[0]   = op_->nb[2];
        job.out_bytes[1]   = op_->nb[1];
        job.keys           = cells_of(k_, i2, j3);
        job.values         = cells_of(v_, i2, j3);
        if (const ggml_tensor * mask = mask_of(op_)) {
            job.mask       = (const char *) mask->data + first * mask->nb[1] + i3 % mask->ne[3] * mask->nb[3];
            job.mask_bytes = mask->nb[1];
        }
        if (const ggml_tensor * sinks = sinks_of(op_)) {
            job.sinks = (const float *) sinks->data + head;
        }
        job.slopes  = slopes;
        job.cells   = k_->ne[1];
        job.tokens  = (int) tokens;
        job.heads   = (int) group;
        job.scale   = parameters_.scale;
        job.softcap = parameters_.softcap;
        job.scratch = scratch_;
        return job;
    }

    const ggml_compute_params * params_;
    ggml_tensor *               op_;
    const ggml_tensor *         q_;
    const ggml_tensor *         k_;
    const ggml_tensor *         v_;
    Parameters                  parameters_;
    float *                     scratch_;
};

bool has_known_layout(const ggml_tensor * op) {
    const ggml_tensor *q = queries_of(op), *k = keys_of(op), *v = values_of(op), *mask = mask_of(op);
    const bool         are_rows = q->type == GGML_TYPE_F32 && op->type == GGML_TYPE_F32 && q->nb[0] == sizeof(float) &&
                          op->nb[0] == sizeof(float) && k->nb[0] == ggml_type_size(k->type) &&
                          v->nb[0] == ggml_type_size(v->type);
    const bool are_alike = k->ne[2] == v->ne[2] && k->ne[3] == v->ne[3] && q->ne[2] % k->ne[2] == 0 &&
                           q->ne[3] % k->ne[3] == 0;
    const bool is_small = k->ne[0] <= kMaxLength && v->ne[0] <= kMaxLength && heads_in_group(op) <= kMaxHeads;
    const bool has_mask = mask == nullptr || (mask->type == GGML_TYPE_F16 && mask->nb[0] == 2 && mask->ne[2] == 1);
    const bool has_sinks = sinks_of(op) == nullptr || sinks_of(op)->type == GGML_TYPE_F32;
    return are_rows && are_alike && is_small && has_mask && has_sinks;
}

bool is_in_reach(const ggml_tensor * tensor) {
    return tensor == nullptr || tensor->buffer == nullptr || ggml_backend_buffer_is_host(tensor->buffer);
}

}  // namespace

bool takes_attention(const ggml_tensor * op) {
    if (op->op != GGML_OP_FLASH_ATTN_EXT || current_set() == nullptr) {
        return false;
    }
    const bool is_wanted = is_single(op) ? takes_single() : min_tokens() > 0 && queries_of(op)->ne[1] >= min_tokens();
    return is_wanted && has_known_layout(op) &&
           can_widen(keys_of(op)->type) && can_widen(values_of(op)->type) && is_in_reach(keys_of(op)) &&
           is_in_reach(values_of(op));
}

size_t attention_work_size(const ggml_tensor * op, int threads) {
    const size_t ours = kLine + shared_bytes(op, threads) + aligned(4 * scratch_floats(op)) * (size_t) threads;
    // At least what ggml's code needs, so that the operation can still be handed back: tiles of 64 tokens and 64 cells.
    const size_t k = (size_t) keys_of(op)->ne[0], v = (size_t) values_of(op)->ne[0];
    const size_t tiles = 64 * (2 * k + 2 * v + 2 * 64) + 64, parts = (size_t) queries_of(op)->ne[2] * (2 + v) + k + 2 * v + 64;
    return std::max(ours, 4 * (tiles + parts) * (size_t) threads);
}

void compute_attention(const ggml_compute_params * params, ggml_tensor * op) {
    ggml_compute_params own = *params;
    own.wdata               = aligned(params->wdata);
    Worker(&own, op).run();
}

}  // namespace coblyn::kernels
