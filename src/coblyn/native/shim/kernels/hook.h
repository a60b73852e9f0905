// Where ggml's CPU backend asks us before it computes an operation.

#pragma once

namespace coblyn::kernels {

// See coblyn_kernels_status.
int  install_hook();
void remove_hook();
bool has_hook();

// Off: the hook stays in place but takes nothing over. For measuring.
void set_passing(bool passes);

unsigned long long taken();

}  // namespace coblyn::kernels
