// The C interface, and the entry point through which ggml loads the library as a backend.

#include "coblyn_kernels.h"

#include "check.h"
#include "hook.h"
#include "measure.h"
#include "policy.h"

#include "ggml-backend-impl.h"

#include <cstdlib>
#include <cstring>

using namespace coblyn::kernels;

int32_t coblyn_kernels_install(void) {
    if (has_hook()) {
        return COBLYN_KERNELS_READY;
    }
    if (current_set() == nullptr) {
        use_set(usable_sets()[0]);
    }
    // The portable code exists to be tested and compared with, not to be fast.
    if (current_set() == portable()) {
        return COBLYN_KERNELS_NO_CODE;
    }
    const int32_t status = install_hook();
    if (status == COBLYN_KERNELS_READY && !is_right()) {
        remove_hook();
        return COBLYN_KERNELS_SELF_CHECK;
    }
    return status;
}

void coblyn_kernels_remove(void) {
    remove_hook();
}

int32_t coblyn_kernels_is_installed(void) {
    return has_hook() ? 1 : 0;
}

const char * coblyn_kernels_isa(void) {
    return current_set() == nullptr ? usable_sets()[0]->name : current_set()->name;
}

const char * coblyn_kernels_isa_at(int32_t index) {
    for (const InstructionSet * const * it = usable_sets(); *it != nullptr; ++it) {
        if (index-- == 0) {
            return (*it)->name;
        }
    }
    return nullptr;
}

int32_t coblyn_kernels_use_isa(const char * name) {
    for (const InstructionSet * const * it = usable_sets(); *it != nullptr; ++it) {
        if (std::strcmp((*it)->name, name) == 0) {
            use_set(*it);
            return 1;
        }
    }
    return 0;
}

int32_t coblyn_kernels_min_batch(int32_t type) {
    return min_batch(type);
}

void coblyn_kernels_set_min_batch(int32_t type, int32_t batch) {
    if (kernel_of(type) != nullptr) {
        set_min_batch(type, batch);
    }
}

int32_t coblyn_kernels_uses_tiles(int32_t type) {
    return uses_tiles(type) ? 1 : 0;
}

void coblyn_kernels_set_tiles(int32_t type, int32_t may) {
    set_tiles(type, may != 0);
}

int32_t coblyn_kernels_max_few(int32_t type) {
    return max_few(type);
}

void coblyn_kernels_set_max_few(int32_t type, int32_t rows) {
    set_max_few(type, rows);
}

int32_t coblyn_kernels_min_tokens(void) {
    return min_tokens();
}

void coblyn_kernels_set_min_tokens(int32_t tokens) {
    if (current_set() != nullptr) {
        set_min_tokens(tokens);
    }
}

int32_t coblyn_kernels_single(void) {
    return takes_single() ? 1 : 0;
}

void coblyn_kernels_set_single(int32_t is_taken) {
    set_single(is_taken != 0 && current_set() != nullptr);
}

uint64_t coblyn_kernels_taken(void) {
    return taken();
}

double coblyn_kernels_measure(int32_t type, int32_t n, int32_t k, int32_t m, int32_t n_threads, double seconds) {
    return has_hook() ? measure(type, n, k, m, n_threads, seconds) : 0;
}

int32_t coblyn_kernels_find_batch(int32_t type, int32_t n, int32_t k, int32_t n_threads, double seconds) {
    return has_hook() ? find_batch(type, n, k, n_threads, seconds) : 0;
}

int32_t coblyn_kernels_find_tiles(int32_t type, int32_t n, int32_t k, int32_t n_threads, double seconds) {
    return has_hook() && find_tiles(type, n, k, n_threads, seconds) ? 1 : 0;
}

int32_t coblyn_kernels_find_few(int32_t type, int32_t n, int32_t k, int32_t n_threads, double seconds) {
    return has_hook() ? find_few(type, n, k, n_threads, seconds) : 0;
}

static AttentionShape shape_of(int32_t type, int32_t length, int32_t heads, int32_t key_heads, int32_t cells) {
    return { (ggml_type) type, length, heads, key_heads, cells };
}

double coblyn_kernels_measure_attention(int32_t type, int32_t length, int32_t heads, int32_t key_heads, int32_t cells,
                                      int32_t tokens, int32_t n_threads, double seconds) {
    const AttentionShape shape = shape_of(type, length, heads, key_heads, cells);
    return has_hook() ? measure_attention(shape, tokens, n_threads, seconds) : 0;
}

int32_t coblyn_kernels_find_tokens(int32_t type, int32_t length, int32_t heads, int32_t key_heads, int32_t cells,
                                 int32_t n_threads, double seconds) {
    const AttentionShape shape = shape_of(type, length, heads, key_heads, cells);
    return has_hook() ? find_tokens(shape, n_threads, seconds) : 0;
}

double coblyn_kernels_take_spread(void) {
    return take_spread();
}

void coblyn_kernels_watch(const int32_t * stop) {
    watch(stop);
}

// ggml_backend_load and GGML_BACKEND_PATH expect a backend; ours has no devices, and installs the hook.

static const char * registry_name(ggml_backend_reg_t) {
    return "Coblyn";
}

static size_t device_count(ggml_backend_reg_t) {
    return 0;
}

static ggml_backend_dev_t device_at(ggml_backend_reg_t, size_t) {
    return nullptr;
}

static void * address_of(ggml_backend_reg_t, const char *) {
    return nullptr;
}

// For tests and benchmarks that do not know this library: a smallest batch for all types, an instruction set.
static void obey_environment() {
    if (const char * name = std::getenv("COBLYN_KERNELS_ISA")) {
        coblyn_kernels_use_isa(name);
    }
    if (const char * batch = std::getenv("COBLYN_KERNELS_MIN_BATCH")) {
        for (int32_t type = 0; type < kTypes; ++type) {
            coblyn_kernels_set_min_batch(type, std::atoi(batch));
            coblyn_kernels_set_max_few(type, std::atoi(batch) == 1 ? kMostFew : 0);
        }
        coblyn_kernels_set_min_tokens(std::atoi(batch));
        coblyn_kernels_set_single(std::atoi(batch) == 1);
    }
}

extern "C" COBLYN_KERNELS_API ggml_backend_reg_t ggml_backend_init(void) {
    static ggml_backend_reg registry = {
        GGML_BACKEND_API_VERSION, { registry_name, device_count, device_at, address_of }, nullptr
    };
    if (coblyn_kernels_install() != COBLYN_KERNELS_READY) {
        return nullptr;
    }
    obey_environment();
    return &registry;
}
