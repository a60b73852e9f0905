#include "stages.h"

#include <cmath>

namespace coblyn {

namespace {

constexpr double min_temperature = 1e-30;  // below this: greedy
constexpr double min_dynamic     = 1e-3;   // KoboldCPP divides by zero there

double dynamic(Candidates & candidates, const Temperature & temperature) {
    const size_t count = candidates.count();
    if (count < 2) {
        return 1.0;
    }
    const double low   = std::max(0.0, temperature.value - temperature.spread);
    const double high  = std::max(0.0, temperature.value + temperature.spread);
    const double share = std::min(1.0, std::max(0.0, candidates.entropy() / std::log((double) count)));
    return std::max(min_dynamic, low + (high - low) * std::pow(share, std::max(0.0, temperature.exponent)));
}

void smooth(Candidates & candidates, double factor, double curve) {
    if (candidates.count() >= 2) {
        candidates.bend(Smoothing{candidates.best(), factor * (3 - curve) / 2, factor * (curve - 1) / 2});
    }
}

}  // namespace

void apply_temperature(Candidates & candidates, const Temperature & temperature) {
    if (temperature.spread != 0) {
        candidates.scale(1.0 / dynamic(candidates, temperature));
    } else if (temperature.value < min_temperature) {
        candidates.keep_best(1);
        return;
    } else if (temperature.value != 1) {
        candidates.scale(1.0 / temperature.value);
    }
    if (temperature.factor > 0) {
        smooth(candidates, temperature.factor, temperature.curve);
    }
}

}  // namespace coblyn
