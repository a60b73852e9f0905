#include "chain.h"

#include "random.h"
#include "stages.h"

#include <algorithm>

namespace coblyn {

namespace {

int32_t whole(double value) {
    return (int32_t) std::max(-2147483648.0, std::min(2147483647.0, value));
}

std::vector<std::vector<int32_t>> breakers_of(const coblyn_sampler_params & params) {
    std::vector<std::vector<int32_t>> breakers;
    const int32_t *                   tokens = params.breaker_tokens;
    for (int32_t i = 0; i < params.n_breakers; ++i) {
        breakers.emplace_back(tokens, tokens + params.breaker_lengths[i]);
        tokens += params.breaker_lengths[i];
    }
    return breakers;
}

// Whether a stage only changes single logits: then the row need not be examined first.
bool is_sparse(int32_t kind) {
    return kind == COBLYN_PENALTIES || kind == COBLYN_DRY;
}

}  // namespace

Chain::Chain(const coblyn_sampler_params & params, const std::vector<int32_t> & history) : seed(params.seed) {
    stages.assign(params.stages, params.stages + params.n_stages);
    for (const coblyn_stage & stage : stages) {
        const double * v = stage.values;
        if (stage.kind == COBLYN_DRY && v[0] > 0) {
            const DryOptions options{v[0], v[1], whole(v[2]), whole(v[3])};
            dry                = std::make_unique<Dry>(options, breakers_of(params));
            const size_t range = options.last_n > 0 ? (size_t) options.last_n : history.size();
            for (size_t i = history.size() - std::min(range, history.size()); i < history.size(); ++i) {
                dry->remember(history[i]);
            }
        } else if (stage.kind == COBLYN_MIROSTAT) {
            mirostat = std::make_unique<Mirostat>(whole(v[0]), v[1], v[2]);
        } else if (stage.kind == COBLYN_ADAPTIVE_P && v[0] >= 0) {
            adaptive = std::make_unique<Adaptive>(v[0], v[1]);
        }
    }
}

int32_t Chain::apply(Candidates & candidates, const std::vector<int32_t> & history, size_t n) {
    const size_t end      = std::min(n, stages.size());
    bool         is_sound = false;
    for (size_t i = 0; i < end; ++i) {
        if (!is_sound && !is_sparse(stages[i].kind)) {
            if (const int32_t fault = candidates.fault()) {
                return fault;
            }
            is_sound = true;
        }
        apply(stages[i], candidates, history);
    }
    return is_sound ? 0 : candidates.fault();
}

void Chain::apply(const coblyn_stage & stage, Candidates & candidates, const std::vector<int32_t> & history) {
    const double * v = stage.values;
    switch (stage.kind) {
        case COBLYN_PENALTIES: return apply_penalties(candidates, {v[0], v[1], v[2], v[3], v[4]}, history);
        case COBLYN_DRY: return penalize_repeats(candidates);
        case COBLYN_TOP_K: return keep_top_k(candidates, v[0]);
        case COBLYN_TOP_A: return keep_top_a(candidates, v[0]);
        case COBLYN_TOP_P: return keep_top_p(candidates, v[0]);
        case COBLYN_MIN_P: return keep_min_p(candidates, v[0]);
        case COBLYN_TAIL_FREE: return keep_tail_free(candidates, v[0]);
        case COBLYN_TYPICAL: return keep_typical(candidates, v[0]);
        case COBLYN_TEMPERATURE: return apply_temperature(candidates, {v[0], v[1], v[2], v[3], v[4]});
        case COBLYN_TOP_N_SIGMA: return keep_top_n_sigma(candidates, v[0]);
        case COBLYN_XTC: return exclude_top_choices(candidates, v[0], v[1], coin(seed, history.size()));
        case COBLYN_ADAPTIVE_P: return adaptive ? adaptive->reshape(candidates) : void();
        case COBLYN_MIROSTAT: return mirostat->truncate(candidates);
        default: return;
    }
}

void Chain::penalize_repeats(Candidates & candidates) {
    if (!dry) {
        return;
    }
    dry->find(found);
    tokens.clear();
    size_t kept = 0;
    for (const DryPenalty & penalty : found) {
        if (penalty.token >= 0 && penalty.token < candidates.vocabulary()) {
            tokens.push_back(penalty.token);
            found[kept++] = penalty;
        }
    }
    candidates.change(tokens.data(), tokens.size(),
                      [&](float logit, size_t i) { return bounded(logit - found[i].value); });
}

void Chain::accept(int32_t token) {
    if (dry) {
        dry->remember(token);
    }
}

void Chain::remember(int32_t token) {
    accept(token);
    if (mirostat) {
        mirostat->remember(token);
    }
    if (adaptive) {
        adaptive->remember(token);
    }
}

}  // namespace coblyn
