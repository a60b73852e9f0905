// llama.cpp adds to a product W x, for each adapter of a context, scale(B (A x)): two products, a scaling and a sum. All rows of
// a step get it. Here the scaling is taken over, so that each row has a scale of its own, 0 for an adapter that it does not
// have. Then a context can have all adapters at once, and its graph stays as it is.
//
// A step may be cut into several graphs. Each begins with rows where the one before ended, which is seen by the first product
// of an adapter coming again: thread 0 notes it there, and ggml's barrier between two operations makes it known to all.

#include "rows.h"

#include "coblyn_kernels.h"
#include "hook.h"

#include "llama-adapter.h"

#include <atomic>
#include <cstring>
#include <mutex>
#include <shared_mutex>
#include <unordered_map>
#include <vector>

struct coblyn_rows {
    int32_t            n_rows = -1;  // -1: nothing is set; 0: all rows alike
    std::vector<float> scales;       // of adapter i and row j at i * max(n_rows, 1) + j

    const ggml_tensor * first = nullptr;  // whose product comes first in each graph of a step
    int64_t             start = 0;        // rows of the graph in hand
    int64_t             end   = 0;

    std::atomic<int32_t> n_scaled{ 0 };
    std::atomic<bool>    is_wrong{ false };
};

namespace coblyn::kernels {

namespace {

using Answerer = ggml::cpu::extra_buffer_type;
using Traits   = ggml::cpu::tensor_traits;

struct Part {
    coblyn_rows * rows;
    int32_t       number;
};

std::shared_mutex                               guard;
std::unordered_map<const ggml_tensor *, Part>   parts;  // by the matrix B
std::atomic<size_t>                             n_parts{ 0 };

bool is_product(const ggml_tensor * op) {
    return op->op == GGML_OP_MUL_MAT || op->op == GGML_OP_MUL_MAT_ID;
}

bool find(const ggml_tensor * matrix, Part & part) {
    std::shared_lock<std::shared_mutex> lock(guard);
    const auto                          found = parts.find(matrix);
    if (found == parts.end() || found->second.rows->n_rows < 0) {
        return false;
    }
    part = found->second;
    return true;
}

void begin_graph(coblyn_rows & rows, const ggml_tensor * product) {
    const ggml_tensor * matrix = product->src[0];
    if (rows.first == nullptr) {
        rows.first = matrix;
    }
    if (rows.first == matrix) {
        rows.start = rows.end >= rows.n_rows ? 0 : rows.end;
        rows.end   = rows.start + (product->op == GGML_OP_MUL_MAT ? product->ne[1] : product->ne[2]);
    }
}

// The product B (A x): only noted, and computed as ever.
struct Noted final : Traits {
    Answerer * before = nullptr;

    bool work_size(int n_threads, const ggml_tensor * op, size_t & size) override {
        Traits * theirs = before->get_tensor_traits(op);
        return theirs != nullptr && theirs->work_size(n_threads, op, size);
    }

    bool compute_forward(ggml_compute_params * params, ggml_tensor * op) override {
        Part part;
        if (params->ith == 0 && find(op->src[0], part) && part.rows->n_rows > 0) {
            begin_graph(*part.rows, op);
        }
        Traits * theirs = before->get_tensor_traits(op);
        return theirs != nullptr && theirs->compute_forward(params, op);
    }
};

struct Scaled final : Traits {
    bool work_size(int, const ggml_tensor *, size_t &) override { return false; }

    bool compute_forward(ggml_compute_params * params, ggml_tensor * op) override {
        Part part;
        if (!find(op->src[0]->src[0], part)) {
            return false;
        }
        coblyn_rows & rows     = *part.rows;
        const bool    has_ids  = op->src[0]->op == GGML_OP_MUL_MAT_ID;
        const int64_t per_row  = has_ids ? op->ne[1] : 1;
        const int64_t n_tokens = has_ids ? op->ne[2] : op->ne[1];
        const bool    is_plain = op->ne[3] == 1 && (has_ids || op->ne[2] == 1) && op->type == GGML_TYPE_F32 &&
                              ggml_is_contiguous(op) && ggml_is_contiguous(op->src[0]);
        if (!is_plain || (rows.n_rows > 0 && (n_tokens != rows.end - rows.start || rows.end > rows.n_rows))) {
            rows.is_wrong.store(true, std::memory_order_relaxed);
            return false;
        }
        if (params->ith == 0) {
            rows.n_scaled.fetch_add(1, std::memory_order_relaxed);
        }
        float of_op;
        std::memcpy(&of_op, op->op_params, sizeof of_op);
        const float * scales = rows.scales.data() + part.number * (rows.n_rows > 0 ? rows.n_rows : 1);
        for (int64_t row = params->ith; row < n_tokens * per_row; row += params->nth) {
            const float   scale = of_op * scales[rows.n_rows > 0 ? rows.start + row / per_row : 0];
            const float * from  = (const float *) op->src[0]->data + row * op->ne[0];
            float *       to    = (float *) op->data + row * op->ne[0];
            for (int64_t i = 0; i < op->ne[0]; ++i) {
                to[i] = scale == 0.0f ? 0.0f : from[i] * scale;
            }
        }
        return true;
    }
};

}  // namespace

Traits * rows_traits(const ggml_tensor * op, Answerer * before) {
    if (n_parts.load(std::memory_order_relaxed) == 0) {
        return nullptr;
    }
    static Noted &  noted  = *new Noted;
    static Scaled & scaled = *new Scaled;
    Part            part;
    if (op->op == GGML_OP_SCALE && is_product(op->src[0]) && find(op->src[0]->src[0], part)) {
        return &scaled;
    }
    if (is_product(op) && find(op->src[0], part)) {
        noted.before = before;
        return &noted;
    }
    return nullptr;
}

}  // namespace coblyn::kernels

using namespace coblyn::kernels;

coblyn_rows * coblyn_rows_new(void) {
    return has_hook() ? new coblyn_rows : nullptr;
}

void coblyn_rows_free(coblyn_rows * rows) {
    std::unique_lock<std::shared_mutex> lock(guard);
    for (auto it = parts.begin(); it != parts.end();) {
        it = it->second.rows == rows ? parts.erase(it) : std::next(it);
    }
    n_parts.store(parts.size(), std::memory_order_relaxed);
    delete rows;
}

int32_t coblyn_rows_add(coblyn_rows * rows, const void * adapter, int32_t number) {
    std::unique_lock<std::shared_mutex> lock(guard);
    const auto &                        matrices = ((const llama_adapter_lora *) adapter)->ab_map;
    for (const auto & each : matrices) {
        parts[each.second.b] = { rows, number };
    }
    n_parts.store(parts.size(), std::memory_order_relaxed);
    return (int32_t) matrices.size();
}

void coblyn_rows_set(coblyn_rows * rows, int32_t n_adapters, int32_t n_rows, const float * scales) {
    std::unique_lock<std::shared_mutex> lock(guard);
    rows->n_rows = n_rows;
    rows->scales.assign(scales, scales + (n_rows < 0 ? 0 : (size_t) n_adapters * (n_rows > 0 ? n_rows : 1)));
    rows->first = nullptr;
    rows->start = rows->end = 0;
}

int32_t coblyn_rows_take(coblyn_rows * rows) {
    const int32_t n_scaled = rows->n_scaled.exchange(0);
    return rows->is_wrong.exchange(false) ? -1 : n_scaled;
}
