#include "check.h"

#include "hook.h"
#include "policy.h"
#include "trial.h"

#include <cmath>

namespace coblyn::kernels {

namespace {

// Squared difference from ggml's result, relative to its square. Both have errors of about 3e-5.
double difference(const std::vector<float> & ours, const std::vector<float> & theirs) {
    double error = 0, square = 0;
    for (size_t i = 0; i < ours.size(); ++i) {
        error += ((double) ours[i] - theirs[i]) * ((double) ours[i] - theirs[i]);
        square += (double) theirs[i] * theirs[i];
    }
    return error / square;
}

// Whether our code computes it, with ggml's result.
bool is_right(Trial & trial, double allowed) {
    const auto before = taken();
    if (!trial.is_ready() || !trial.compute() || taken() == before) {
        return false;
    }
    const auto ours = trial.result();
    set_passing(true);
    const bool is_done = trial.compute();
    set_passing(false);
    return is_done && difference(ours, trial.result()) < allowed;
}

bool is_product_right(ggml_type type, int tokens) {
    constexpr int        kRows = 40, kLength = 512, kThreads = 2;
    const TakeEverything everything(type);
    ProductTrial         trial(type, kRows, kLength, tokens, kThreads);
    return is_right(trial, 1e-3);
}

bool is_attention_right(int tokens) {
    constexpr int        kThreads = 2;
    const TakeEverything everything(GGML_TYPE_F16);
    AttentionTrial       trial({ GGML_TYPE_F16, 64, 6, 2, 200 }, tokens, kThreads);
    return is_right(trial, 1e-5);
}

}  // namespace

bool is_right() {
    // One in plain memory, one that ggml may repack; many tokens and a single one.
    return is_product_right(GGML_TYPE_Q8_0, 5) && is_product_right(GGML_TYPE_Q4_0, 5) &&
           is_product_right(GGML_TYPE_Q8_0, 1) && is_product_right(GGML_TYPE_Q4_0, 1) && is_attention_right(5) &&
           is_attention_right(1);
}

}  // namespace coblyn::kernels
