#include "groups.h"

#include <functional>

namespace coblyn {

void Groups::look(const float * x, int32_t n) {
    logits = x;
    count  = n;
    peaks.assign((size_t) (n + chunk - 1) / chunk * width, minus_infinity);
    int32_t wrong[width] = {};
    int32_t i            = 0;
    for (; i + chunk <= n; i += chunk) {
        float best[width];
        std::fill(best, best + width, minus_infinity);
        for (int32_t row = i; row < i + chunk; row += width) {
            for (int32_t lane = 0; lane < width; ++lane) {
                best[lane] = x[row + lane] > best[lane] ? x[row + lane] : best[lane];
                wrong[lane] |= x[row + lane] != x[row + lane];
            }
        }
        std::copy(best, best + width, peaks.begin() + i / chunk * width);
    }
    for (; i < n; ++i) {
        float & peak = peaks[i / chunk * width + i % width];
        peak         = x[i] > peak ? x[i] : peak;
        wrong[0] |= x[i] != x[i];
    }
    holds_nan = *std::max_element(wrong, wrong + width) != 0;
}

void Groups::select_above(float limit, std::vector<Candidate> & out) const {
    out.clear();
    for (size_t group = 0; group < peaks.size(); ++group) {
        if (!(peaks[group] >= limit)) {
            continue;
        }
        const int32_t start = (int32_t) (group / width) * chunk;
        const int32_t end   = std::min(count, start + chunk);
        for (int32_t i = start + (int32_t) (group % width); i < end; i += width) {
            if (logits[i] >= limit && logits[i] > minus_infinity) {
                out.push_back({logits[i], i});
            }
        }
    }
}

void Groups::select_best(size_t k, std::vector<Candidate> & out) {
    float limit = minus_infinity;
    if (k == 1) {
        limit = best();
    } else if (k <= peaks.size()) {
        order = peaks;
        std::nth_element(order.begin(), order.begin() + (k - 1), order.end(), std::greater<float>());
        limit = order[k - 1];
    }
    select_above(limit, out);
    if (out.size() > k) {
        std::nth_element(out.begin(), out.begin() + (k - 1), out.end(), before);
        out.resize(k);
    }
}

}  // namespace coblyn
