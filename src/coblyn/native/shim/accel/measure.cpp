#include "measure.h"

#include "hook.h"
#include "policy.h"
#include "trial.h"

#include <algorithm>
#include <chrono>

namespace coblyn::accel {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

double timed(Trial & trial, bool is_ours, int times) {
    set_passing(!is_ours);
    const auto start = Clock::now();
    for (int i = 0; i < times; ++i) {
        trial.compute();
    }
    return seconds_since(start) / times;
}

struct NothingPassed {
    ~NothingPassed() { set_passing(false); }
};

// How many times as fast as ggml's code ours is; 0 if it is not asked.
double compare(Trial & trial, double seconds) {
    const auto before = taken();
    if (!trial.is_ready()) {
        return 0;
    }
    const NothingPassed afterwards;
    // The first ones warm caches up, and say how many fit into a turn of a millisecond.
    timed(trial, false, 1);
    const double once  = timed(trial, true, 1);
    const int    times = (int) std::clamp(1e-3 / once, 1.0, 1000.0);
    if (taken() == before) {
        return 0;
    }
    // The best of each: what other programs take away is nobody's property.
    double     theirs = timed(trial, false, times), ours = timed(trial, true, times);
    const auto start  = Clock::now();
    for (int i = 0; i < 2 || seconds_since(start) < seconds; ++i) {
        theirs = std::min(theirs, timed(trial, false, times));
        ours   = std::min(ours, timed(trial, true, times));
    }
    return theirs / ours;
}

constexpr double kMargin = 1.05;  // a tie goes to ggml

}  // namespace

double measure(int type, int64_t n, int64_t k, int64_t m, int threads, double seconds) {
    if (kernel_of(type) == nullptr) {
        return 0;
    }
    const TakeEverything everything(type);
    ProductTrial         trial((ggml_type) type, n, k, m, threads);
    return compare(trial, seconds);
}

double measure_attention(const AttentionShape & shape, int tokens, int threads, double seconds) {
    const TakeEverything everything(shape.type);
    AttentionTrial       trial(shape, tokens, threads);
    return compare(trial, seconds);
}

int find_batch(int type, int64_t n, int64_t k, int threads, double seconds) {
    int found = 0;
    for (int m = 256; m >= 2 && measure(type, n, k, m, threads, seconds) >= kMargin; m /= 2) {
        found = m;
    }
    return found;
}

int find_tokens(const AttentionShape & shape, int threads, double seconds) {
    int found = 0;
    for (int m = 256; m >= 2 && measure_attention(shape, m, threads, seconds) >= kMargin; m /= 2) {
        found = m;
    }
    return found;
}

}  // namespace coblyn::accel
