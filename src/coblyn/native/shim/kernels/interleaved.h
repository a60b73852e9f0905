// Whether ggml's repacked weights have the layout that our unpackers read.

#pragma once

struct ggml_backend_buffer_type;

namespace coblyn::kernels {

// Repack a small matrix of each type that supports it, and compare with the expected result. ggml chooses the layout by
// processor, so nothing is assumed.
void recognise_interleaved(ggml_backend_buffer_type * repacking);

bool is_interleaved_by_8(int type);

}  // namespace coblyn::kernels
