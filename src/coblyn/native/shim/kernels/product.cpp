#include "product.h"

#include "aligned.h"
#include "barrier.h"
#include "policy.h"

#include "ggml-cpu-impl.h"
#include "ggml.h"

#include <algorithm>
#include <atomic>
#include <new>

namespace coblyn::kernels {

namespace {

// Maximum number of tokens per job: their pointers lie in the thread's working memory.
constexpr int64_t kJobTokens = 512;
// Fewer are not worth unpacking weights once more.
constexpr int64_t kFewTokens = 64;
// Parts of the work per thread, so that none waits long for the last.
constexpr int64_t kPartsPerThread = 4;

// Offsets in the working memory.
struct Memory {
    char *                  base;
    size_t                  acts;       // offset of the prepared activations
    size_t                  act_bytes;  // of one row of them
    size_t                  lists;      // offset of the lists of tokens by expert
    size_t                  scratch;    // offset of the threads' own parts
    size_t                  per_thread;
    size_t                  size;       // total for the given number of threads

    std::atomic<int64_t> & next() const { return *reinterpret_cast<std::atomic<int64_t> *>(base); }
};

int64_t experts(const ggml_tensor * op) {
    return op->op == GGML_OP_MUL_MAT_ID ? op->src[0]->ne[2] : 0;
}

bool is_batch(const ggml_tensor * op) {
    const int least = min_batch(op->src[0]->type);
    if (op->op == GGML_OP_MUL_MAT) {
        return least > 0 && op->src[1]->ne[1] >= least;
    }
    return least > 0 && op->src[2]->ne[0] * op->src[2]->ne[1] >= least * op->src[0]->ne[2];
}

// What one weight matrix is multiplied by: all rows that share it, or the maximum number that one expert can get.
bool is_few(const ggml_tensor * op) {
    const int most = max_few(op->src[0]->type);
    if (op->op == GGML_OP_MUL_MAT_ID) {
        return op->src[2]->ne[1] <= most;
    }
    return most > 0 && ggml_nrows(op->src[1]) <= most * op->src[0]->ne[2] * op->src[0]->ne[3];
}

// The kernel that computes a product; nullptr if that is left to ggml.
const Kernel * kernel_for(const ggml_tensor * op, bool is_interleaved) {
    const ggml_tensor * w = op->src[0];
    if (is_few(op)) {
        const Kernel * few = few_kernel_of(w->type, is_interleaved);
        if (few != nullptr && w->ne[0] % few->multiple == 0) {
            return few;
        }
    }
    return is_batch(op) ? kernel_of(w->type) : nullptr;
}

Memory lay_out(const ggml_tensor * op, const Kernel & kernel, int threads, void * base) {
    const ggml_tensor * x      = op->src[1];
    const int64_t       pieces = (x->ne[0] + kernel.piece - 1) / kernel.piece;
    Memory              m{};
    m.base       = (char *) base;
    m.acts       = 64;
    m.act_bytes  = aligned(kernel.slab * (size_t) (pieces * kernel.piece / 32));
    m.lists      = m.acts + m.act_bytes * (size_t) ggml_nrows(x);
    // Per expert: where its tokens begin, where its jobs begin; then the tokens, as (slot, token).
    m.scratch    = m.lists;
    if (op->op == GGML_OP_MUL_MAT_ID) {
        m.scratch += aligned(2 * sizeof(int64_t) * (size_t) (experts(op) + 1)) +
                     aligned(2 * sizeof(int32_t) * (size_t) (op->src[2]->ne[0] * op->src[2]->ne[1]));
    }
    m.per_thread = aligned(kernel.scratch) + aligned(2 * sizeof(void *) * kJobTokens);
    m.size       = m.scratch + m.per_thread * (size_t) threads;
    return m;
}

// One thread's view of a product.
class Worker {
  public:
    Worker(const ggml_compute_params * params, ggml_tensor * op, bool is_interleaved)
        : params_(params),
          op_(op),
          weights_(op->src[0]),
          x_(op->src[1]),
          kernel_(*kernel_for(op, is_interleaved)),
          rows_(rows_of_job(kernel_, weights_->ne[1], params->nth)),
          memory_(lay_out(op, kernel_, params->nth, params->wdata)),
          is_interleaved_(is_interleaved) {
        char * own = memory_.base + memory_.scratch + memory_.per_thread * (size_t) params->ith;
        scratch_   = own;
        acts_      = (const void **) (own + aligned(kernel_.scratch));
        outs_      = (float **) (acts_ + kJobTokens);
    }

    void run() {
        if (params_->ith == 0) {
            new (memory_.base) std::atomic<int64_t>(0);
            if (op_->op == GGML_OP_MUL_MAT_ID) {
                sort_by_expert();
            }
        }
        prepare();
        Barrier::of(params_->threadpool).wait(params_->nth);
        if (op_->op == GGML_OP_MUL_MAT_ID) {
            multiply_experts();
        } else {
            multiply();
        }
    }

  private:
    // Rows of a panel; where weights are read only once, long runs of rows, so that what is prefetched is the thread's own.
    static int64_t rows_of_job(const Kernel & kernel, int64_t rows, int threads) {
        const int64_t parts = kernel.is_few ? threads * kPartsPerThread : rows;
        return std::max<int64_t>(1, (rows + parts * kernel.rows - 1) / (parts * kernel.rows)) * kernel.rows;
    }

    // The activations, row by row, each thread its share.
    void prepare() {
        if (kernel_.slab == 0) {
            return;
        }
        // In pieces, so that even one row keeps all threads busy.
        const int64_t piece = kernel_.piece, pieces = (x_->ne[0] + piece - 1) / piece, rows = ggml_nrows(x_), all = rows * pieces;
        const int64_t end = all * (params_->ith + 1) / params_->nth;
        for (int64_t i = all * params_->ith / params_->nth; i < end; ++i) {
            const int64_t row = i / pieces, first = i % pieces * piece;
            const char *  from = row_of_x(row % x_->ne[1], row / x_->ne[1] % x_->ne[2], row / x_->ne[1] / x_->ne[2]);
            kernel_.prepare((const float *) from + first, std::min(piece, x_->ne[0] - first),
                            memory_.base + memory_.acts + memory_.act_bytes * row + kernel_.slab * (first / 32));
        }
    }

    const char * row_of_x(int64_t i1, int64_t i2, int64_t i3) const {
        return (const char *) x_->data + i1 * x_->nb[1] + i2 * x_->nb[2] + i3 * x_->nb[3];
    }

    const void * act(int64_t i1, int64_t i2, int64_t i3) const {
        if (kernel_.slab == 0) {
            return row_of_x(i1, i2, i3);
        }
        return memory_.base + memory_.acts + memory_.act_bytes * ((i3 * x_->ne[2] + i2) * x_->ne[1] + i1);
    }

    float * out(int64_t i1, int64_t i2, int64_t i3) const {
        return (float *) ((char *) op_->data + i1 * op_->nb[1] + i2 * op_->nb[2] + i3 * op_->nb[3]);
    }

    int64_t panels() const { return (weights_->ne[1] + rows_ - 1) / rows_; }

    // The number of runs into which the tokens are divided, given the number of other parts.
    int64_t cuts(int64_t tokens, int64_t parts) const {
        const int64_t wanted = (kPartsPerThread * params_->nth + parts - 1) / parts;
        const int64_t useful = std::max<int64_t>(1, tokens / kFewTokens);
        const int64_t needed = (tokens + kJobTokens - 1) / kJobTokens;
        return std::max(needed, std::min(wanted, useful));
    }

    // Panel `panel` of matrix (i2, i3) times the n tokens whose pointers are in place.
    void do_job(int64_t panel, int64_t i2, int64_t i3, int64_t n) {
        const int64_t first = panel * rows_;
        Job           job{};
        job.weights        = (const uint8_t *) weights_->data + first * weights_->nb[1] + i2 * weights_->nb[2] + i3 * weights_->nb[3];
        job.row_bytes      = weights_->nb[1];
        job.is_interleaved = is_interleaved_;
        job.rows           = (int) std::min(rows_, weights_->ne[1] - first);
        job.length         = weights_->ne[0];
        job.acts           = acts_;
        job.outs           = outs_;
        job.tokens         = (int) n;
        job.scratch        = scratch_;
        job.ahead          = (size_t) ahead();
        kernel_.product(job);
    }

    // Pointers of n tokens from number `begin` on, counting ne[1] rows of each of r2 further matrices, from
    // matrix (i2, i3) on.
    void point_at(int64_t begin, int64_t n, int64_t i2, int64_t i3, int64_t r2, int64_t first_row) {
        int64_t t1 = begin % x_->ne[1], t2 = begin / x_->ne[1] % r2, t3 = begin / x_->ne[1] / r2;
        for (int64_t i = 0; i < n; ++i) {
            acts_[i] = act(t1, i2 + t2, i3 + t3);
            outs_[i] = out(t1, i2 + t2, i3 + t3) + first_row;
            if (++t1 == x_->ne[1]) {
                t1 = 0;
                if (++t2 == r2) {
                    t2 = 0;
                    ++t3;
                }
            }
        }
    }

    // All activation rows that share a weight matrix (as with grouped heads) are processed together.
    void multiply() {
        const int64_t r2 = x_->ne[2] / weights_->ne[2], r3 = x_->ne[3] / weights_->ne[3];
        const int64_t tokens = x_->ne[1] * r2 * r3, matrices = weights_->ne[2] * weights_->ne[3];
        const int64_t runs = cuts(tokens, panels() * matrices), all = runs * panels() * matrices;
        for (int64_t i; (i = memory_.next().fetch_add(1, std::memory_order_relaxed)) < all;) {
            const int64_t run = i % runs, panel = i / runs % panels(), matrix = i / runs / panels();
            const int64_t i2 = matrix % weights_->ne[2], i3 = matrix / weights_->ne[2];
            const int64_t begin = tokens * run / runs, end = tokens * (run + 1) / runs;
            point_at(begin, end - begin, i2 * r2, i3 * r3, r2, panel * rows_);
            do_job(panel, i2, i3, end - begin);
        }
    }

    // Lists of a mixture of experts.
    int64_t * token_starts() const { return (int64_t *) (memory_.base + memory_.lists); }

    int64_t * job_starts() const { return token_starts() + experts(op_) + 1; }

    int32_t * entries() const {
        return (int32_t *) (memory_.base + memory_.lists + aligned(2 * sizeof(int64_t) * (size_t) (experts(op_) + 1)));
    }

    // The expert of a token's slot, or -1: an id out of range computes nothing, as in a graph that is only planned.
    int32_t expert_at(int64_t slot, int64_t token) const {
        const ggml_tensor * ids    = op_->src[2];
        const int32_t       expert = *(const int32_t *) ((const char *) ids->data + slot * ids->nb[0] + token * ids->nb[1]);
        return expert >= 0 && expert < experts(op_) ? expert : -1;
    }

    template <class Visit> void for_each_slot(Visit visit) const {
        for (int64_t token = 0; token < op_->src[2]->ne[1]; ++token) {
            for (int64_t slot = 0; slot < op_->src[2]->ne[0]; ++slot) {
                if (const int32_t expert = expert_at(slot, token); expert >= 0) {
                    visit(expert, (int32_t) slot, (int32_t) token);
                }
            }
        }
    }

    void sort_by_expert() {
        const int64_t n      = experts(op_);
        int64_t *     starts = token_starts();
        int64_t *     jobs   = job_starts();
        std::fill(starts, starts + n + 1, 0);
        for_each_slot([&](int32_t expert, int32_t, int32_t) { ++starts[expert + 1]; });
        jobs[0] = 0;
        for (int64_t e = 0; e < n; ++e) {
            const int64_t tokens = starts[e + 1];
            jobs[e + 1]          = jobs[e] + (tokens == 0 ? 0 : panels() * cuts(tokens, panels()));
            starts[e + 1] += starts[e];
        }
        // Each start moves to its end while the list is filled; then they are shifted back by one.
        for_each_slot([&](int32_t expert, int32_t slot, int32_t token) {
            int32_t * entry = entries() + 2 * starts[expert]++;
            entry[0]        = slot;
            entry[1]        = token;
        });
        for (int64_t e = n; e > 0; --e) {
            starts[e] = starts[e - 1];
        }
        starts[0] = 0;
    }

    void multiply_experts() {
        const int64_t n    = experts(op_);
        const int64_t all  = job_starts()[n];
        for (int64_t i; (i = memory_.next().fetch_add(1, std::memory_order_relaxed)) < all;) {
            const int64_t expert = std::upper_bound(job_starts(), job_starts() + n + 1, i) - job_starts() - 1;
            const int64_t tokens = token_starts()[expert + 1] - token_starts()[expert];
            const int64_t runs = (job_starts()[expert + 1] - job_starts()[expert]) / panels(), at = i - job_starts()[expert];
            const int64_t run = at % runs, panel = at / runs;
            const int64_t begin = tokens * run / runs, end = tokens * (run + 1) / runs;
            for (int64_t t = begin; t < end; ++t) {
                const int32_t * entry = entries() + 2 * (token_starts()[expert] + t);
                acts_[t - begin]      = act(entry[0] % x_->ne[1], entry[1], 0);
                outs_[t - begin]      = out(entry[0], entry[1], 0) + panel * rows_;
            }
            do_job(panel, expert, 0, end - begin);
        }
    }

    const ggml_compute_params * params_;
    ggml_tensor *               op_;
    const ggml_tensor *         weights_;
    const ggml_tensor *         x_;
    const Kernel &              kernel_;
    int64_t                     rows_;  // of a job
    Memory                      memory_;
    bool                        is_interleaved_;
    void *                      scratch_;
    const void **               acts_;
    float **                    outs_;
};

// Strides that the jobs rely on; everything else may be permuted or broadcast.
bool has_known_layout(const ggml_tensor * op, const Kernel & kernel) {
    const ggml_tensor * w = op->src[0];
    const ggml_tensor * x = op->src[1];
    return w->nb[0] == ggml_type_size(w->type) && x->nb[0] == sizeof(float) && op->nb[0] == sizeof(float) &&
           op->nb[0] <= op->nb[1] && w->ne[1] > 0 && w->ne[0] > 0 &&
           w->ne[0] % kernel.multiple == 0;
}

}  // namespace

bool is_wanted(const ggml_tensor * op) {
    return (op->op == GGML_OP_MUL_MAT || op->op == GGML_OP_MUL_MAT_ID) && (is_few(op) || is_batch(op));
}

bool takes(const ggml_tensor * op, bool is_interleaved) {
    if (!is_wanted(op)) {
        return false;
    }
    const ggml_tensor * w      = op->src[0];
    const Kernel *      kernel = kernel_for(op, is_interleaved);
    if (kernel == nullptr || op->src[1]->type != GGML_TYPE_F32 || op->type != GGML_TYPE_F32) {
        return false;
    }
    if (is_interleaved && (!kernel->reads_interleaved || w->ne[1] % 8 != 0)) {
        return false;
    }
    return has_known_layout(op, *kernel) && (op->op == GGML_OP_MUL_MAT || op->src[2]->type == GGML_TYPE_I32);
}

// At least what ggml's code needs for the same product, so that it can still be handed back: activations in
// four bytes at most, half a megabyte per thread for its tiles, and the lists of a mixture of experts.
size_t size_for_ggml(const ggml_tensor * op, int threads) {
    const ggml_tensor * x    = op->src[1];
    size_t              size = 4 * (size_t) ggml_nelements(x) + (size_t) threads * 576 * 1024 + 1024;
    if (op->op == GGML_OP_MUL_MAT_ID) {
        size += (size_t) experts(op) * (128 + 16 * (size_t) ggml_nelements(op->src[2]));
    }
    return size;
}

size_t work_size(const ggml_tensor * op, bool is_interleaved, int threads) {
    // ggml aligns the memory only for its own needs.
    const size_t ours = lay_out(op, *kernel_for(op, is_interleaved), threads, nullptr).size + kLine;
    return std::max(ours, size_for_ggml(op, threads));
}

void compute(const ggml_compute_params * params, ggml_tensor * op, bool is_interleaved) {
    ggml_compute_params own = *params;
    own.wdata               = aligned(params->wdata);
    Worker(&own, op, is_interleaved).run();
}

}  // namespace coblyn::kernels
