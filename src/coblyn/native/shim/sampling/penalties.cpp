#include "stages.h"

namespace coblyn {

void apply_penalties(Candidates & candidates, const Penalties & penalties, const std::vector<int32_t> & history) {
    const bool is_off = penalties.repetition == 1 && penalties.presence == 0 && penalties.frequency == 0;
    if (is_off || history.empty()) {
        return;
    }
    const size_t range  = penalties.range >= 1 ? (size_t) penalties.range : history.size();
    const size_t window = std::min(range, history.size());
    const size_t start  = history.size() - window;
    const size_t middle = start + window / 2;

    struct Seen {
        uint32_t count;
        bool     is_new;
    };
    static thread_local std::vector<Seen>    seen;  // per token; zero between uses
    static thread_local std::vector<int32_t> tokens;
    seen.resize(std::max<size_t>(seen.size(), candidates.vocabulary()));
    tokens.clear();
    for (size_t i = start; i < history.size(); ++i) {
        const int32_t token = history[i];
        if (token < 0 || token >= candidates.vocabulary()) {
            continue;
        }
        Seen & entry = seen[token];
        if (entry.count == 0) {
            tokens.push_back(token);
        }
        entry.count += 1;
        entry.is_new |= i >= middle;
    }
    const double newer = penalties.repetition;
    const double older = newer > 1 ? 1 + (newer - 1) * penalties.slope : newer;
    candidates.change(tokens.data(), tokens.size(), [&](float logit, size_t i) {
        const Seen   entry   = seen[tokens[i]];
        const double penalty = entry.is_new ? newer : older;
        const double divided = logit > 0 ? logit / penalty : logit * penalty;
        return bounded(divided - penalties.presence - penalties.frequency * entry.count);
    });
    for (const int32_t token : tokens) {
        seen[token] = {0, false};
    }
}

}  // namespace coblyn
