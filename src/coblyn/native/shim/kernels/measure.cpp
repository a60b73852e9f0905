#include "measure.h"

#include "hook.h"
#include "policy.h"
#include "trial.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <vector>

namespace coblyn::kernels {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

double timed(Trial & trial, int times) {
    const auto start = Clock::now();
    for (int i = 0; i < times; ++i) {
        trial.compute();
    }
    return seconds_since(start) / times;
}

// What is known of the measurements since the last query. Only one thread measures.
double          widest      = 0;
bool            was_stopped = false;
const int32_t * watched     = nullptr;

// Another thread may write it at any time.
bool is_stopped() {
    was_stopped = was_stopped || (watched != nullptr && *(const volatile int32_t *) watched != 0);
    return was_stopped;
}

double quantile(const std::vector<double> & sorted, double part) {
    const double at    = part * (double) (sorted.size() - 1);
    const size_t below = (size_t) at, above = std::min(below + 1, sorted.size() - 1);
    return sorted[below] + (at - (double) below) * (sorted[above] - sorted[below]);
}

// The interquartile range of the turns, as a fraction of the median.
double spread_of(std::vector<double> & ratios) {
    std::sort(ratios.begin(), ratios.end());
    return (quantile(ratios, 0.75) - quantile(ratios, 0.25)) / quantile(ratios, 0.5);
}

// The speed-up from turning something `on`, which `turn` does; 0 if our code is not used, or the measurement was stopped.
template <class Turn> double compare(Trial & trial, double seconds, Turn turn) {
    const auto before = taken();
    if (is_stopped() || !trial.is_ready()) {
        return 0;
    }
    const auto timed_with = [&](bool is_on, int times) {
        turn(is_on);
        const double each = timed(trial, times);
        turn(true);
        return each;
    };
    // The first runs warm up the caches, and tell how many fit into a turn of a millisecond.
    timed_with(false, 1);
    const double once  = timed_with(true, 1);
    const int    times = (int) std::clamp(1e-3 / once, 1.0, 1000.0);
    if (taken() == before) {
        return 0;
    }
    // The best of each: time taken by other programs belongs to neither. The spread of the turns tells how much they took.
    double              without = HUGE_VAL, with = HUGE_VAL;
    std::vector<double> ratios;
    const auto          start = Clock::now();
    while (ratios.size() < 3 || seconds_since(start) < seconds) {
        const double a = timed_with(false, times);
        if (is_stopped()) {
            return 0;
        }
        const double b = timed_with(true, times);
        if (is_stopped()) {
            return 0;
        }
        without = std::min(without, a);
        with    = std::min(with, b);
        ratios.push_back(a / b);
    }
    widest = std::max(widest, spread_of(ratios));
    return without / with;
}

// Our speed relative to ggml's code.
double compare_with_ggml(Trial & trial, double seconds) {
    return compare(trial, seconds, [](bool is_ours) { set_passing(!is_ours); });
}

constexpr double kMargin = 1.05;  // a tie goes to ggml

// For one matrix, or for several copies of it in turn.
double measure_product(int type, int64_t n, int64_t k, int64_t m, int threads, double seconds, int most_few, int copies) {
    if (kernel_of(type) == nullptr) {
        return 0;
    }
    const TakeEverything everything(type, most_few);
    ProductTrial         trial((ggml_type) type, n, k, m, threads, copies);
    return compare_with_ggml(trial, seconds);
}

}  // namespace

double measure(int type, int64_t n, int64_t k, int64_t m, int threads, double seconds) {
    return measure_product(type, n, k, m, threads, seconds, kMostFew, 1);
}

double measure_attention(const AttentionShape & shape, int tokens, int threads, double seconds) {
    const TakeEverything everything(shape.type);
    AttentionTrial       trial(shape, tokens, threads);
    return compare_with_ggml(trial, seconds);
}

int find_batch(int type, int64_t n, int64_t k, int threads, double seconds) {
    int found = 0;
    for (int m = 256; m >= 2 && measure_product(type, n, k, m, threads, seconds, 0, 1) >= kMargin; m /= 2) {
        found = m;
    }
    return found;
}

bool find_tiles(int type, int64_t n, int64_t k, int threads, double seconds) {
    constexpr int kTokens = 128;  // as many as a prompt has at least, where it matters
    const bool    before  = uses_tiles(type);
    set_tiles(type, true);
    double ratio = 0;
    if (uses_tiles(type)) {
        const TakeEverything everything(type, 0);
        ProductTrial         trial((ggml_type) type, n, k, kTokens, threads);
        ratio = compare(trial, seconds, [type](bool is_on) { set_tiles(type, is_on); });
    }
    set_tiles(type, before);
    return ratio > 1;
}

// A model's weights come from memory, not from a cache filled by the last run.
constexpr int64_t kFromMemory = 96 << 20, kMostCopies = 1024;

int find_few(int type, int64_t n, int64_t k, int threads, double seconds) {
    if (few_kernel_of(type, false) == nullptr || n <= 0 || k <= 0 || k % ggml_blck_size((ggml_type) type) != 0) {
        return 0;
    }
    const int64_t bytes  = n * (int64_t) ggml_row_size((ggml_type) type, k);
    const int     copies = (int) std::min<int64_t>((kFromMemory + bytes - 1) / bytes, kMostCopies);
    int           found  = 0;
    for (int m = 1; m <= kMostFew && measure_product(type, n, k, m, threads, seconds, kMostFew, copies) >= kMargin; m *= 2) {
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

double take_spread() {
    const double spread = was_stopped ? -1 : widest;
    widest              = 0;
    was_stopped         = false;
    return spread;
}

void watch(const int32_t * stop) {
    watched = stop;
}

}  // namespace coblyn::kernels
