#include "stages.h"

#include <cmath>

namespace coblyn {

void exclude_top_choices(Candidates & candidates, double threshold, double probability, double number) {
    constexpr double lowered = 999.0;  // as in KoboldCPP: out of reach, but still a candidate
    if (threshold > 0.5 || number >= probability) {
        return;
    }
    static thread_local std::vector<Candidate> viable;
    static thread_local std::vector<int32_t>   tokens;
    const double limit = threshold > 0 ? candidates.best() + std::log(threshold * candidates.mass())
                                       : -std::numeric_limits<double>::infinity();
    candidates.above(limit, viable);
    if (viable.size() < 2) {
        return;
    }
    std::swap(*std::max_element(viable.begin(), viable.end(), before), viable.back());
    tokens.clear();
    for (size_t i = 0; i + 1 < viable.size(); ++i) {
        tokens.push_back(viable[i].token);
    }
    candidates.change(tokens.data(), tokens.size(), [&](float logit, size_t) { return bounded(logit - lowered); });
}

}  // namespace coblyn
