#include "stateful.h"

#include <cmath>

namespace coblyn {

void Snapshot::take(Candidates & candidates) {
    const float * all = candidates.whole_row();
    is_whole          = all != nullptr;
    if (is_whole) {
        row.assign(all, all + candidates.vocabulary());
        factor = candidates.row_factor();
    } else {
        items = candidates.list();
    }
    best     = candidates.best();
    log_mass = std::log(candidates.mass());
}

double Snapshot::log_probability(int32_t token) const {
    if (is_whole) {
        return (row[token] > minus_infinity ? bounded(row[token] * factor) - (double) best : 0.0) - log_mass;
    }
    for (const Candidate & item : items) {
        if (item.token == token) {
            return (double) item.logit - best - log_mass;
        }
    }
    return -log_mass;
}

void Mirostat::truncate(Candidates & candidates) {
    if (version == 1) {
        keep_zipf(candidates);
    } else {
        const double limit = candidates.best() + std::log(candidates.mass()) - mu * std::log(2.0);
        // If not even the best candidate is common enough, it stays alone, even beside equals.
        limit > candidates.best() ? candidates.keep_best(1) : candidates.keep_above(limit);
    }
    left.take(candidates);
}

void Mirostat::keep_zipf(Candidates & candidates) const {
    constexpr size_t n_estimated = 100;
    static thread_local std::vector<Candidate> items;
    candidates.leading(n_estimated, items);
    if (items.size() < 2) {
        return;
    }
    double products = 0, squares = 0;
    for (size_t i = 0; i + 1 < items.size(); ++i) {
        const double t = std::log((double) (i + 2) / (double) (i + 1));
        products += t * ((double) items[i].logit - items[i + 1].logit);
        squares += t * t;
    }
    const double exponent = products / squares;
    const double excess   = exponent - 1;
    const double log_size = std::log((double) candidates.vocabulary());
    // excess / (1 - size^-excess), also where this has only a limit, in a form that does not overflow.
    const double factor = std::fabs(excess) * log_size < 1e-6 ? 1 / log_size
                          : excess > 0 ? excess / -std::expm1(-excess * log_size)
                                       : -excess * std::exp(excess * log_size) / -std::expm1(excess * log_size);
    const double log_k =
        (mu * std::log(2.0) + std::log(std::max(factor, 1e-300))) / std::max(exponent, 1e-6);
    if (log_k < std::log((double) candidates.count())) {
        candidates.keep_best((size_t) std::exp(std::max(log_k, 0.0)));
    }
}

void Mirostat::remember(int32_t token) {
    const double surprise = -left.log_probability(token) / std::log(2.0);
    mu -= eta * (surprise - tau);
    mu = std::max(-(double) largest, std::min<double>(largest, mu));
}

Adaptive::Adaptive(double target, double decay)
    : target(target),
      decay(std::min(0.99, std::max(0.01, decay))),
      weighted_sum(target / (1 - this->decay)),
      total_weight(1 / (1 - this->decay)) {}

void Adaptive::reshape(Candidates & candidates) {
    constexpr double width = 0.3;
    found.take(candidates);
    const double aim = std::min(1.0, std::max(0.0, 2 * target - weighted_sum / total_weight));
    candidates.bend(Peak{candidates.best(), (float) (1 / (candidates.mass() * width)), (float) (aim / width)});
}

void Adaptive::remember(int32_t token) {
    weighted_sum = std::exp(found.log_probability(token)) + decay * weighted_sum;
    total_weight = 1 + decay * total_weight;
}

}  // namespace coblyn
