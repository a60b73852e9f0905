// ggml's CPU backend asks its "extra buffer types" about every operation, in each of its threads, before it computes
// it: this is how repacked weights reach their own code. The object that answers belongs to the buffer type that
// is public through the CPU device. We replace it with ours, which answers for the products that we take over and
// forwards everything else to the original.
//
// So our products run inside ggml's graph, on ggml's threads: no graph is split, weights stay where they are
// (memory-mapped, or repacked by ggml), and decoding is not affected. The classes are those of the source that this
// library is compiled with; the self-check at installation proves that the running library has the same.

#include "hook.h"

#include "attention.h"
#include "coblyn_kernels.h"
#include "interleaved.h"
#include "policy.h"
#include "product.h"
#include "rows.h"

#include "ggml-backend-impl.h"
#include "ggml-backend.h"
#include "ggml-cpu/traits.h"

#include <atomic>
#include <cstring>

// The base classes' destructors are in the CPU library, of which several may be loaded at run time.
// These are copies for this library alone (hidden).
ggml::cpu::tensor_traits::~tensor_traits() {}

ggml::cpu::extra_buffer_type::~extra_buffer_type() {}

namespace coblyn::kernels {

namespace {

using Answerer = ggml::cpu::extra_buffer_type;
using Traits   = ggml::cpu::tensor_traits;

ggml_backend_buffer_type_t      repacking = nullptr;  // the buffer type whose answering object we replace
Answerer *                      before    = nullptr;
std::atomic<bool>               is_passing{ false };
std::atomic<unsigned long long> n_taken{ 0 };

bool is_repacked(const ggml_tensor * op) {
    return op->src[0]->buffer != nullptr && op->src[0]->buffer->buft == repacking;
}

// Only memory that the CPU can read in ggml's formats, or in the interleaved form that was recognized.
bool is_our_product(const ggml_tensor * op) {
    if (!is_wanted(op)) {
        return false;
    }
    const ggml_backend_buffer_t buffer = op->src[0]->buffer;
    if (is_repacked(op)) {
        return is_interleaved_by_8(op->src[0]->type) && takes(op, true);
    }
    return (buffer == nullptr || ggml_backend_buffer_is_host(buffer)) && takes(op, false);
}

struct OurTraits : Traits {
    bool compute_forward(ggml_compute_params * params, ggml_tensor * op) override {
        size_t size = 0;
        if (params->use_ref || !work_size(params->nth, op, size) || params->wsize < size) {
            return hand_on(params, op);
        }
        if (params->ith == 0) {
            n_taken.fetch_add(1, std::memory_order_relaxed);
        }
        run(params, op);
        return true;
    }

    virtual void run(const ggml_compute_params * params, ggml_tensor * op) = 0;

    static bool hand_on(ggml_compute_params * params, ggml_tensor * op) {
        Traits * theirs = before->get_tensor_traits(op);
        return theirs != nullptr && theirs->compute_forward(params, op);
    }
};

struct Products final : OurTraits {
    bool work_size(int n_threads, const ggml_tensor * op, size_t & size) override {
        size = kernels::work_size(op, is_repacked(op), n_threads);
        return true;
    }

    void run(const ggml_compute_params * params, ggml_tensor * op) override { compute(params, op, is_repacked(op)); }
};

struct Attentions final : OurTraits {
    bool work_size(int n_threads, const ggml_tensor * op, size_t & size) override {
        size = attention_work_size(op, n_threads);
        return true;
    }

    void run(const ggml_compute_params * params, ggml_tensor * op) override { compute_attention(params, op); }
};

struct OurAnswerer final : Answerer {
    bool supports_op(ggml_backend_dev_t device, const ggml_tensor * op) override { return before->supports_op(device, op); }

    Traits * get_tensor_traits(const ggml_tensor * op) override {
        if (Traits * of_rows = rows_traits(op, before)) {
            return of_rows;
        }
        if (is_passing.load(std::memory_order_relaxed)) {
            return before->get_tensor_traits(op);
        }
        if (is_our_product(op)) {
            return &products;
        }
        return takes_attention(op) ? &attentions : before->get_tensor_traits(op);
    }

    Products   products;
    Attentions attentions;
};

OurAnswerer & our_answerer() {
    // Never destroyed: ggml may ask until the very end of the process.
    static OurAnswerer & it = *new OurAnswerer;
    return it;
}

ggml_backend_buffer_type_t find_repacking(ggml_backend_dev_t device) {
    const auto list = (ggml_backend_dev_get_extra_bufts_t) ggml_backend_reg_get_proc_address(
        ggml_backend_dev_backend_reg(device), "ggml_backend_dev_get_extra_bufts");
    if (list == nullptr) {
        return nullptr;
    }
    for (ggml_backend_buffer_type_t * it = list(device); it != nullptr && *it != nullptr; ++it) {
        if ((*it)->context != nullptr && std::strcmp(ggml_backend_buft_name(*it), "CPU_REPACK") == 0) {
            return *it;
        }
    }
    return nullptr;
}

}  // namespace

int install_hook() {
    if (before != nullptr) {
        return COBLYN_KERNELS_READY;
    }
    ggml_backend_dev_t device = ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
    if (device == nullptr) {
        return COBLYN_KERNELS_NO_CPU;
    }
    ggml_backend_buffer_type_t found = find_repacking(device);
    if (found == nullptr) {
        return COBLYN_KERNELS_NO_HOOK;
    }
    recognise_interleaved(found);
    repacking      = found;
    before         = (Answerer *) found->context;
    found->context = (Answerer *) &our_answerer();
    return COBLYN_KERNELS_READY;
}

void remove_hook() {
    if (before != nullptr) {
        repacking->context = before;
        before             = nullptr;
    }
}

bool has_hook() {
    return before != nullptr;
}

void set_passing(bool passes) {
    is_passing.store(passes, std::memory_order_relaxed);
}

unsigned long long taken() {
    return n_taken.load(std::memory_order_relaxed);
}

}  // namespace coblyn::kernels
