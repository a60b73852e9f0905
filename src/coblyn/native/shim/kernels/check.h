// Whether products pass through the hook and come out right.

#pragma once

namespace coblyn::kernels {

bool is_right();

}  // namespace coblyn::kernels
