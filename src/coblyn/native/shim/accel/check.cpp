#include "check.h"

#include "hook.h"
#include "policy.h"
#include "trial.h"

#include <cmath>

namespace coblyn::accel {

namespace {

// Squared difference from ggml's result, relative to its square. Both err by about 3e-5.
double difference(const std::vector<float> & ours, const std::vector<float> & theirs) {
    double error = 0, square = 0;
    for (size_t i = 0; i < ours.size(); ++i) {
        error += ((double) ours[i] - theirs[i]) * ((double) ours[i] - theirs[i]);
        square += (double) theirs[i] * theirs[i];
    }
    return error / square;
}

bool is_right(ggml_type type) {
    constexpr double kAllowed = 1e-3;
    constexpr int    kRows = 40, kLength = 512, kTokens = 5, kThreads = 2;
    const int        batch = min_batch(type);
    set_min_batch(type, 1);
    Trial      trial(type, kRows, kLength, kTokens, kThreads);
    const auto before = taken();
    bool       is_fine = trial.is_ready() && trial.compute();
    if (is_fine) {
        const bool was_ours = taken() != before;
        const auto ours     = trial.result();
        set_passing(true);
        is_fine = trial.compute() && was_ours && difference(ours, trial.result()) < kAllowed;
        set_passing(false);
    }
    set_min_batch(type, batch);
    return is_fine;
}

}  // namespace

bool is_right() {
    // One of plain memory, one that ggml may repack.
    return is_right(GGML_TYPE_Q8_0) && is_right(GGML_TYPE_Q4_0);
}

}  // namespace coblyn::accel
