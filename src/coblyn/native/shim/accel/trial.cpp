#include "trial.h"

#include "ggml-cpu.h"

#include <cstring>

namespace coblyn::accel {

namespace {

// Repeatable noise in [-1, 1).
struct Noise {
    uint32_t state = 12345;

    float next() {
        state = state * 1664525u + 1013904223u;
        return (float) (int32_t) state * 0x1p-31f;
    }
};

template <class Function> Function function_of(ggml_backend_dev_t device, const char * name) {
    return (Function) ggml_backend_reg_get_proc_address(ggml_backend_dev_backend_reg(device), name);
}

}  // namespace

Trial::Trial(ggml_type type, int64_t n, int64_t k, int64_t m, int threads) {
    ggml_backend_dev_t device = ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
    if (device == nullptr || n <= 0 || k <= 0 || m <= 0 || threads <= 0 || k % ggml_blck_size(type) != 0) {
        return;
    }
    backend_ = ggml_backend_dev_init(device, nullptr);
    if (backend_ == nullptr) {
        return;
    }
    if (const auto set = function_of<ggml_backend_set_n_threads_t>(device, "ggml_backend_set_n_threads")) {
        set(backend_, threads);
    }
    is_ready_ = build(type, n, k, m) && allocate(device);
    if (is_ready_) {
        fill();
    }
}

Trial::~Trial() {
    ggml_backend_buffer_free(work_buffer_);
    ggml_backend_buffer_free(weight_buffer_);
    ggml_free(work_);
    ggml_free(context_);
    ggml_backend_free(backend_);
}

bool Trial::build(ggml_type type, int64_t n, int64_t k, int64_t m) {
    context_ = ggml_init({ ggml_tensor_overhead() * 2, nullptr, true });
    work_    = ggml_init({ ggml_tensor_overhead() * 4 + ggml_graph_overhead_custom(4, false), nullptr, true });
    if (context_ == nullptr || work_ == nullptr) {
        return false;
    }
    weights_ = ggml_new_tensor_2d(context_, type, k, n);
    x_       = ggml_new_tensor_2d(work_, GGML_TYPE_F32, k, m);
    product_ = ggml_mul_mat(work_, weights_, x_);
    graph_   = ggml_new_graph_custom(work_, 4, false);
    ggml_build_forward_expand(graph_, product_);
    return true;
}

// As the model loader does: the first of the CPU's extra buffer types that supports the product, else plain memory.
bool Trial::allocate(ggml_backend_dev_t device) {
    const auto                   list = function_of<ggml_backend_dev_get_extra_bufts_t>(device, "ggml_backend_dev_get_extra_bufts");
    ggml_backend_buffer_type_t * it   = list == nullptr ? nullptr : list(device);
    ggml_backend_buffer_type_t   type = ggml_backend_dev_buffer_type(device);
    for (; it != nullptr && *it != nullptr; ++it) {
        // The question is put with a buffer of no size.
        ggml_backend_buffer_t empty = ggml_backend_buft_alloc_buffer(*it, 0);
        weights_->buffer            = empty;
        const bool is_supported     = ggml_backend_dev_supports_op(device, product_);
        weights_->buffer            = nullptr;
        ggml_backend_buffer_free(empty);
        if (is_supported) {
            type = *it;
            break;
        }
    }
    weight_buffer_ = ggml_backend_alloc_ctx_tensors_from_buft(context_, type);
    work_buffer_   = ggml_backend_alloc_ctx_tensors_from_buft(work_, ggml_backend_dev_buffer_type(device));
    return weight_buffer_ != nullptr && work_buffer_ != nullptr;
}

void Trial::fill() {
    // Quantizing is slow for some types, and what the numbers are makes no difference: a few rows are repeated.
    const int64_t      rows = weights_->ne[1] < 16 ? weights_->ne[1] : 16, length = weights_->ne[0];
    Noise              noise;
    std::vector<float> values(rows * length);
    for (float & value : values) {
        value = noise.next();
    }
    const size_t         row_bytes = ggml_row_size(weights_->type, length);
    std::vector<uint8_t> bytes(row_bytes * weights_->ne[1]);
    ggml_quantize_chunk(weights_->type, values.data(), bytes.data(), 0, rows, length, nullptr);
    for (int64_t row = rows; row < weights_->ne[1]; ++row) {
        std::memcpy(&bytes[row * row_bytes], &bytes[row % rows * row_bytes], row_bytes);
    }
    ggml_backend_tensor_set(weights_, bytes.data(), 0, bytes.size());
    values.resize(ggml_nelements(x_));
    for (float & value : values) {
        value = noise.next();
    }
    ggml_backend_tensor_set(x_, values.data(), 0, values.size() * sizeof(float));
}

bool Trial::compute() {
    return ggml_backend_graph_compute(backend_, graph_) == GGML_STATUS_SUCCESS;
}

std::vector<float> Trial::result() const {
    std::vector<float> values(ggml_nelements(product_));
    ggml_backend_tensor_get(product_, values.data(), 0, values.size() * sizeof(float));
    return values;
}

}  // namespace coblyn::accel
