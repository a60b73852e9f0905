// Whether products pass through the hook and come out right.

#pragma once

namespace coblyn::accel {

bool is_right();

}  // namespace coblyn::accel
