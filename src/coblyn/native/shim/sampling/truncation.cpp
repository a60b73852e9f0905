#include "stages.h"

#include <algorithm>
#include <cmath>

namespace coblyn {

void keep_top_k(Candidates & candidates, double k) {
    if (k >= 1 && k < candidates.vocabulary()) {
        candidates.keep_best((size_t) k);
    }
}

void keep_top_p(Candidates & candidates, double p) {
    if (p < 1) {
        // More than nothing, or no token would be needed, not even the best one.
        const double mass = std::max(p * candidates.mass(), std::numeric_limits<double>::min());
        candidates.keep_near(candidates.best(), mass);
    }
}

void keep_min_p(Candidates & candidates, double p) {
    if (p > 0) {
        candidates.keep_above(candidates.best() + std::log(std::min(p, 1.0)));
    }
}

void keep_top_a(Candidates & candidates, double a) {
    if (a > 0) {
        // p >= a * p_max^2, and p = exp(logit - best) * p_max, where p_max = 1 / mass.
        candidates.keep_above(candidates.best() + std::log(std::min(a / candidates.mass(), 1.0)));
    }
}

void keep_top_n_sigma(Candidates & candidates, double n) {
    if (n > 0) {
        candidates.keep_above(candidates.best() - n * candidates.deviation());
    }
}

void keep_typical(Candidates & candidates, double p) {
    if (p < 1) {
        // |-ln p_i - H| is the distance of a logit from the expected one. The mass has to be exceeded, not only reached.
        const double limit = std::nextafter(p * candidates.mass(), std::numeric_limits<double>::infinity());
        candidates.keep_near(candidates.expected(), limit);
    }
}

namespace {

// How many of the candidates are kept, of which some are given, best first: where the bends of `n` sorted probabilities exceed a part
// of their sum. 0 where that depends on the rest of the candidates.
size_t before_tail(const std::vector<Candidate> & given, size_t n, double mass, double z) {
    static thread_local std::vector<double> bends;
    const size_t k     = given.size();
    const auto   share = [&](size_t i) { return exponential(given[i].logit - given[0].logit) / mass; };
    double       known = 0;
    double       a = share(0), b = share(1);
    bends.clear();
    for (size_t i = 2; i < k; ++i) {
        const double c = share(i);
        bends.push_back(std::fabs((a - b) - (b - c)));
        known += bends.back();
        a = b;
        b = c;
    }
    const double rest = k < n ? 2 * a : 0;  // at most: the steps of sorted numbers add up to the first of them
    if (known <= 1e-6) {
        if (k < n) {
            return 0;
        }
        std::fill(bends.begin(), bends.end(), 1.0 / (double) bends.size());
        known = 1;
    }
    double sum = 0;
    for (size_t i = 0; i < bends.size(); ++i) {
        sum += bends[i];
        if (i > 0 && sum > z * known) {
            return sum > z * (known + rest) ? i : 0;
        }
    }
    return k < n ? 0 : n;
}

}  // namespace

void keep_tail_free(Candidates & candidates, double z) {
    if (z >= 1) {
        return;
    }
    const size_t n = candidates.count();
    if (n < 3) {
        return;
    }
    static thread_local std::vector<Candidate> best;
    const double mass = candidates.mass();
    for (size_t k = std::min<size_t>(n, 256);; k = std::min(n, 8 * k)) {
        candidates.leading(k, best);
        if (const size_t kept = before_tail(best, n, mass, z)) {
            candidates.keep_best(kept);
            return;
        }
    }
}

}  // namespace coblyn
