// Adapters of which each row of a step has its own set: how strongly one works on a row is decided where the graph scales
// what it adds, which is an operation of its own.

#pragma once

#include "ggml-cpu/traits.h"

namespace coblyn::kernels {

// Who answers for an operation of an adapter in its graph: nullptr if it is none, or nothing is set for its rows. `before` is
// who answered until now.
ggml::cpu::tensor_traits * rows_traits(const ggml_tensor * op, ggml::cpu::extra_buffer_type * before);

}  // namespace coblyn::kernels
