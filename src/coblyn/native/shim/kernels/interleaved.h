// Whether ggml's repacked weights have the layout that our unpackers read.

#pragma once

struct ggml_backend_buffer_type;

namespace coblyn::kernels {

// Repack a small matrix of each type that can be, and compare with what we expect. ggml chooses the layout by the
// processor, so nothing is taken for granted.
void recognise_interleaved(ggml_backend_buffer_type * repacking);

bool is_interleaved_by_8(int type);

}  // namespace coblyn::kernels
