#include "trial.h"

#include "ggml-cpu.h"

#include <cstring>

namespace coblyn::kernels {

namespace {

// Repeatable noise in [-1, 1).
struct Noise {
    uint32_t state = 12345;

    float next() {
        state = state * 1664525u + 1013904223u;
        return (float) (int32_t) state * 0x1p-31f;
    }
};

void fill_floats(ggml_tensor * tensor, Noise & noise) {
    std::vector<float> values(ggml_nelements(tensor));
    for (float & value : values) {
        value = noise.next();
    }
    ggml_backend_tensor_set(tensor, values.data(), 0, values.size() * sizeof(float));
}

template <class Function> Function function_of(ggml_backend_dev_t device, const char * name) {
    return (Function) ggml_backend_reg_get_proc_address(ggml_backend_dev_backend_reg(device), name);
}

}  // namespace

Trial::Trial(int threads, int operations) {
    device_ = ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
    if (device_ == nullptr || threads <= 0) {
        return;
    }
    const size_t nodes = 8 + (size_t) operations;
    work_    = ggml_init({ ggml_tensor_overhead() * nodes + ggml_graph_overhead_custom(nodes, false), nullptr, true });
    graph_   = work_ == nullptr ? nullptr : ggml_new_graph_custom(work_, nodes, false);
    backend_ = ggml_backend_dev_init(device_, nullptr);
    if (backend_ == nullptr) {
        return;
    }
    if (const auto set = function_of<ggml_backend_set_n_threads_t>(device_, "ggml_backend_set_n_threads")) {
        set(backend_, threads);
    }
}

Trial::~Trial() {
    ggml_backend_buffer_free(buffer_);
    ggml_free(work_);
    ggml_backend_free(backend_);
}

void Trial::add(ggml_tensor * op) {
    op_ = op;
    ggml_build_forward_expand(graph_, op);
}

bool Trial::allocate() {
    buffer_ = ggml_backend_alloc_ctx_tensors_from_buft(work_, ggml_backend_dev_buffer_type(device_));
    return buffer_ != nullptr;
}

bool Trial::compute() {
    return ggml_backend_graph_compute(backend_, graph_) == GGML_STATUS_SUCCESS;
}

std::vector<float> Trial::result() const {
    std::vector<float> values(ggml_nelements(op_));
    ggml_backend_tensor_get(op_, values.data(), 0, values.size() * sizeof(float));
    return values;
}

ProductTrial::ProductTrial(ggml_type type, int64_t n, int64_t k, int64_t m, int threads, int copies) : Trial(threads, copies) {
    if (!has_backend() || n <= 0 || k <= 0 || m <= 0 || k % ggml_blck_size(type) != 0) {
        return;
    }
    context_ = ggml_init({ ggml_tensor_overhead() * (1 + (size_t) copies), nullptr, true });
    if (context_ == nullptr) {
        return;
    }
    x_ = ggml_new_tensor_2d(work(), GGML_TYPE_F32, k, m);
    for (int i = 0; i < copies; ++i) {
        weights_.push_back(ggml_new_tensor_2d(context_, type, k, n));
        product_ = ggml_mul_mat(work(), weights_.back(), x_);
        add(product_);
    }
    is_ready_ = allocate_weights() && allocate();
    if (is_ready_) {
        fill();
    }
}

ProductTrial::~ProductTrial() {
    ggml_backend_buffer_free(buffer_);
    ggml_free(context_);
}

// As the model loader does: the first of the CPU's extra buffer types that supports the product, otherwise plain memory.
bool ProductTrial::allocate_weights() {
    const auto                   list = function_of<ggml_backend_dev_get_extra_bufts_t>(device(), "ggml_backend_dev_get_extra_bufts");
    ggml_backend_buffer_type_t * it   = list == nullptr ? nullptr : list(device());
    ggml_backend_buffer_type_t   type = ggml_backend_dev_buffer_type(device());
    for (; it != nullptr && *it != nullptr; ++it) {
        // The question is asked with a buffer of size zero.
        ggml_backend_buffer_t empty = ggml_backend_buft_alloc_buffer(*it, 0);
        weights_.back()->buffer     = empty;
        const bool is_supported     = ggml_backend_dev_supports_op(device(), product_);
        weights_.back()->buffer     = nullptr;
        ggml_backend_buffer_free(empty);
        if (is_supported) {
            type = *it;
            break;
        }
    }
    buffer_ = ggml_backend_alloc_ctx_tensors_from_buft(context_, type);
    return buffer_ != nullptr;
}

void ProductTrial::fill() {
    // Quantizing is slow for some types, and the values do not matter: a few rows are repeated.
    const ggml_type    type = weights_[0]->type;
    const int64_t      all = weights_[0]->ne[1], rows = all < 16 ? all : 16, length = weights_[0]->ne[0];
    Noise              noise;
    std::vector<float> values(rows * length);
    for (float & value : values) {
        value = noise.next();
    }
    const size_t         row_bytes = ggml_row_size(type, length);
    std::vector<uint8_t> bytes(row_bytes * all);
    ggml_quantize_chunk(type, values.data(), bytes.data(), 0, rows, length, nullptr);
    for (int64_t row = rows; row < all; ++row) {
        std::memcpy(&bytes[row * row_bytes], &bytes[row % rows * row_bytes], row_bytes);
    }
    for (ggml_tensor * weights : weights_) {
        ggml_backend_tensor_set(weights, bytes.data(), 0, bytes.size());
    }
    fill_floats(x_, noise);
}

AttentionTrial::AttentionTrial(const AttentionShape & shape, int tokens, int threads) : Trial(threads, 8) {
    const bool is_possible = shape.length > 0 && shape.key_heads > 0 && shape.heads % shape.key_heads == 0 &&
                             shape.heads > 0 && tokens > 0 && tokens <= shape.cells &&
                             shape.length % ggml_blck_size(shape.type) == 0;
    if (!has_backend() || !is_possible) {
        return;
    }
    // As in a model: the heads of a token or a cell lie side by side.
    ggml_tensor * q    = ggml_new_tensor_3d(work(), GGML_TYPE_F32, shape.length, shape.heads, tokens);
    ggml_tensor * k    = ggml_new_tensor_3d(work(), shape.type, shape.length, shape.key_heads, shape.cells);
    ggml_tensor * v    = ggml_new_tensor_3d(work(), shape.type, shape.length, shape.key_heads, shape.cells);
    ggml_tensor * mask = ggml_new_tensor_2d(work(), GGML_TYPE_F16, shape.cells, tokens);
    const auto by_head = [this](ggml_tensor * tensor) { return ggml_permute(work(), tensor, 0, 2, 1, 3); };
    add(ggml_flash_attn_ext(work(), by_head(q), by_head(k), by_head(v), mask, 0.125f, 0, 0));
    is_ready_ = allocate();
    if (!is_ready_) {
        return;
    }
    Noise noise;
    fill_floats(q, noise);
    std::vector<float>   row(shape.length);
    std::vector<uint8_t> bytes(ggml_nbytes(k));
    for (ggml_tensor * tensor : { k, v }) {
        for (size_t at = 0; at < bytes.size(); at += tensor->nb[1]) {
            for (float & value : row) {
                value = noise.next();
            }
            ggml_quantize_chunk(shape.type, row.data(), &bytes[at], 0, 1, shape.length, nullptr);
        }
        ggml_backend_tensor_set(tensor, bytes.data(), 0, bytes.size());
    }
    std::vector<uint16_t> hidden((size_t) shape.cells * tokens);
    for (int token = 0; token < tokens; ++token) {
        for (int cell = shape.cells - tokens + token + 1; cell < shape.cells; ++cell) {
            hidden[(size_t) token * shape.cells + cell] = 0xfc00;  // minus infinity
        }
    }
    ggml_backend_tensor_set(mask, hidden.data(), 0, hidden.size() * sizeof(uint16_t));
}

}  // namespace coblyn::kernels
