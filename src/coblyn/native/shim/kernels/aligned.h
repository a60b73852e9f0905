// Working memory in whole cache lines.

#pragma once

#include <cstddef>
#include <cstdint>

namespace coblyn::kernels {

constexpr size_t kLine = 64;

inline size_t aligned(size_t bytes) {
    return (bytes + kLine - 1) / kLine * kLine;
}

// Memory that begins on a line; request up to one line more than is used.
inline void * aligned(void * memory) {
    return (void *) (uintptr_t) aligned((size_t) (uintptr_t) memory);
}

}  // namespace coblyn::kernels
