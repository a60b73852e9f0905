// The stages of one request in order, with what they remember.

#pragma once

#include "dry.h"
#include "stateful.h"

#include "coblyn.h"

#include <cstdint>
#include <memory>
#include <vector>

namespace coblyn {

class Chain {
public:
    Chain(const coblyn_sampler_params & params, const std::vector<int32_t> & history);

    size_t size() const { return stages.size(); }

    // Apply the first `n` stages, for the token after the history. Returns 0, COBLYN_ALL_FORBIDDEN or COBLYN_NO_NUMBERS.
    int32_t apply(Candidates & candidates, const std::vector<int32_t> & history, size_t n);

    void remember(int32_t token);

    // Tell the stages that the token was not drawn.
    void accept(int32_t token);

private:
    void apply(const coblyn_stage & stage, Candidates & candidates, const std::vector<int32_t> & history);
    void penalize_repeats(Candidates & candidates);

    uint64_t                  seed;
    std::vector<coblyn_stage> stages;
    std::unique_ptr<Dry>      dry;
    std::unique_ptr<Mirostat> mirostat;
    std::unique_ptr<Adaptive> adaptive;
    std::vector<DryPenalty>   found;   // scratch
    std::vector<int32_t>      tokens;  // scratch
};

}  // namespace coblyn
