// One matrix product of our own, computed by the CPU backend as it computes a model's.

#pragma once

#include "ggml-backend.h"
#include "ggml.h"

#include <cstdint>
#include <vector>

namespace coblyn::accel {

class Trial {
  public:
    // (n x k) weights of a type times m activation rows. Weights lie where a model loader would put them.
    Trial(ggml_type type, int64_t n, int64_t k, int64_t m, int threads);
    ~Trial();
    Trial(const Trial &)             = delete;
    Trial & operator=(const Trial &) = delete;

    // Whether everything could be had; otherwise nothing else may be called.
    bool is_ready() const { return is_ready_; }

    bool               compute();
    std::vector<float> result() const;

  private:
    bool build(ggml_type type, int64_t n, int64_t k, int64_t m);
    bool allocate(ggml_backend_dev_t device);
    void fill();

    ggml_backend_t        backend_       = nullptr;
    ggml_context *        context_       = nullptr;
    ggml_context *        work_          = nullptr;
    ggml_backend_buffer_t weight_buffer_ = nullptr;
    ggml_backend_buffer_t work_buffer_   = nullptr;
    ggml_tensor *         weights_       = nullptr;
    ggml_tensor *         x_             = nullptr;
    ggml_tensor *         product_       = nullptr;
    ggml_cgraph *         graph_         = nullptr;
    bool                  is_ready_      = false;
};

}  // namespace coblyn::accel
