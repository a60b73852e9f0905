#include "stages.h"

#include <cmath>

namespace coblyn {

void keep_top_k(Candidates & candidates, double k) {
    if (k >= 1 && k < candidates.vocabulary()) {
        candidates.keep_best((size_t) k);
    }
}

void keep_top_p(Candidates & candidates, double p) {
    if (p < 1) {
        candidates.keep_share(p);
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
    if (p >= 1) {
        return;
    }
    struct Scored {
        double    distance;
        double    weight;
        Candidate candidate;
    };
    static thread_local std::vector<Scored> scored;
    const double mass    = candidates.mass();
    const double entropy = candidates.entropy();
    const float  top     = candidates.best();
    auto &       items   = candidates.list();
    scored.clear();
    for (const Candidate & item : items) {
        const double distance = std::log(mass) - ((double) item.logit - top) - entropy;
        scored.push_back({std::fabs(distance), exponential(item.logit - top), item});
    }
    const auto nearer = [](const Scored & a, const Scored & b) {
        return a.distance < b.distance || (a.distance == b.distance && before(a.candidate, b.candidate));
    };
    double sum  = 0;
    size_t kept = 0, n_sorted = 0;
    for (; kept < scored.size() && (kept == 0 || !(sum > p * mass)); ++kept) {
        if (kept == n_sorted) {
            n_sorted = std::min(scored.size(), std::max<size_t>(64, 4 * kept));
            std::nth_element(scored.begin() + kept, scored.begin() + (n_sorted - 1), scored.end(), nearer);
            std::sort(scored.begin() + kept, scored.begin() + n_sorted, nearer);
        }
        sum += scored[kept].weight;
    }
    items.resize(kept);
    for (size_t i = 0; i < kept; ++i) {
        items[i] = scored[i].candidate;
    }
    candidates.reordered();
}

void keep_tail_free(Candidates & candidates, double z) {
    if (z >= 1 || candidates.list().size() < 3) {
        return;
    }
    static thread_local std::vector<double> bends;
    auto &       items = candidates.sorted(candidates.list().size());
    const double mass  = candidates.mass();
    const float  top   = candidates.best();
    const auto   share = [&](size_t i) { return exponential(items[i].logit - top) / mass; };
    double       total = 0;
    double       a = share(0), b = share(1);
    bends.clear();
    for (size_t i = 2; i < items.size(); ++i) {
        const double c = share(i);
        bends.push_back(std::fabs((a - b) - (b - c)));
        total += bends.back();
        a = b;
        b = c;
    }
    const bool   is_flat = total <= 1e-6;
    const double even    = 1.0 / (double) bends.size();
    double       sum     = 0;
    for (size_t i = 0; i < bends.size(); ++i) {
        sum += is_flat ? even : bends[i] / total;
        if (i > 0 && sum > z) {
            candidates.keep_best(i);
            return;
        }
    }
}

}  // namespace coblyn
