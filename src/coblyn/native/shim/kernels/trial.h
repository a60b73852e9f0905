// One operation of our own, computed by the CPU backend as it computes a model's.

#pragma once

#include "ggml-backend.h"
#include "ggml.h"

#include <cstdint>
#include <vector>

namespace coblyn::kernels {

class Trial {
  public:
    virtual ~Trial();
    Trial(const Trial &)             = delete;
    Trial & operator=(const Trial &) = delete;

    // Whether everything was available; otherwise nothing else may be called.
    bool is_ready() const { return is_ready_; }

    bool               compute();
    std::vector<float> result() const;

  protected:
    // A backend with a given number of threads, and memory for the tensors of some operations; a base class.
    Trial(int threads, int operations);

    bool has_backend() const { return backend_ != nullptr && work_ != nullptr; }

    // Add an operation on tensors of `work()` to those that are computed.
    void add(ggml_tensor * op);

    // Give all tensors memory.
    bool allocate();

    ggml_backend_dev_t device() const { return device_; }

    ggml_context * work() const { return work_; }

    bool is_ready_ = false;

  private:
    ggml_backend_dev_t    device_  = nullptr;
    ggml_backend_t        backend_ = nullptr;
    ggml_context *        work_    = nullptr;
    ggml_backend_buffer_t buffer_  = nullptr;
    ggml_tensor *         op_      = nullptr;
    ggml_cgraph *         graph_   = nullptr;
};

// (n x k) weights of a type times m activation rows, and the same for several copies of the weights, which lie where a model
// loader would put them.
class ProductTrial final : public Trial {
  public:
    ProductTrial(ggml_type type, int64_t n, int64_t k, int64_t m, int threads, int copies = 1);
    ~ProductTrial() override;

  private:
    bool allocate_weights();
    void fill();

    ggml_context *             context_ = nullptr;
    ggml_backend_buffer_t      buffer_  = nullptr;
    std::vector<ggml_tensor *> weights_;
    ggml_tensor *              x_       = nullptr;
    ggml_tensor *              product_ = nullptr;
};

struct AttentionShape {
    ggml_type type;  // of keys and values
    int       length;
    int       heads;
    int       key_heads;
    int       cells;
};

// The last `tokens` of the given number of cells attend to all of them.
class AttentionTrial final : public Trial {
  public:
    AttentionTrial(const AttentionShape & shape, int tokens, int threads);
};

}  // namespace coblyn::kernels
