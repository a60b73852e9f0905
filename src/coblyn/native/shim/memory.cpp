// Large memory that is zero without being written: ggml's CPU buffers are fresh pages from the operating system.
//
// llama.cpp clears the whole KV memory when a context is created and when it is emptied. Fresh pages are zero anyway, and
// take no memory and no time until they are used, so a context of many cells is created at once, however large it is.

#include "coblyn.h"

#include "ggml-backend-impl.h"
#include "ggml-cpu.h"

#include <cstdint>
#include <cstring>
#include <mutex>

#if defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#define NOMINMAX
#include <windows.h>
#else
#include <sys/mman.h>
#endif

namespace {

// Smaller buffers are not worth a system call; they come from the heap as before.
constexpr size_t min_size = size_t(16) << 20;

using Allocate = ggml_backend_buffer_t (*)(ggml_backend_buffer_type_t, size_t);

Allocate              allocate_before = nullptr;
ggml_backend_buffer_i plain{};  // what ggml's own buffers do

#if defined(_WIN32)

void * reserve(size_t size) {
    return VirtualAlloc(nullptr, size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
}

void release(void * start, size_t) {
    VirtualFree(start, 0, MEM_RELEASE);
}

bool renew(void * start, size_t size) {
    return VirtualFree(start, size, MEM_DECOMMIT) != 0 &&
           VirtualAlloc(start, size, MEM_COMMIT, PAGE_READWRITE) == start;
}

#else

#if !defined(MAP_ANONYMOUS)
#define MAP_ANONYMOUS MAP_ANON
#endif

void * map(void * at, size_t size, int more) {
    void * start = mmap(at, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | more, -1, 0);
    if (start == MAP_FAILED) {
        return nullptr;
    }
#if defined(MADV_HUGEPAGE)
    madvise(start, size, MADV_HUGEPAGE);
#endif
    return start;
}

void * reserve(size_t size) {
    return map(nullptr, size, 0);
}

void release(void * start, size_t size) {
    munmap(start, size);
}

// New pages in place of the old ones; advice to drop pages does not guarantee zeros on every system.
bool renew(void * start, size_t size) {
    return map(start, size, MAP_FIXED) == start;
}

#endif

void free_pages(ggml_backend_buffer_t buffer) {
    release(buffer->context, buffer->size);
}

void clear_pages(ggml_backend_buffer_t buffer, uint8_t value) {
    if (value != 0 || !renew(buffer->context, buffer->size)) {
        plain.clear(buffer, value);
    }
}

ggml_backend_buffer_t allocate(ggml_backend_buffer_type_t type, size_t size) {
    void * start = size >= min_size ? reserve(size) : nullptr;
    if (start == nullptr) {
        return allocate_before(type, size);
    }
    ggml_backend_buffer_i paged = plain;
    paged.free_buffer           = free_pages;
    paged.clear                 = clear_pages;
    return ggml_backend_buffer_init(type, paged, start, size);
}

}  // namespace

void coblyn_memory_install(void) {
    static std::once_flag once;
    std::call_once(once, [] {
        const ggml_backend_buffer_type_t type = ggml_backend_cpu_buffer_type();
        ggml_backend_buffer_t            one  = type->iface.alloc_buffer(type, 64);
        if (one == nullptr) {
            return;
        }
        plain           = one->iface;
        allocate_before = type->iface.alloc_buffer;
        ggml_backend_buffer_free(one);
        type->iface.alloc_buffer = allocate;
    });
}
