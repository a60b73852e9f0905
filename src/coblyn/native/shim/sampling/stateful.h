// The samplers that remember what was drawn.

#pragma once

#include "candidates.h"

#include <cstdint>
#include <vector>

namespace coblyn {

// The candidates at some point of a chain: what probability did the token have that was drawn in the end?
class Snapshot {
public:
    void   take(Candidates & candidates);
    double log_probability(int32_t token) const;  // natural; for a token that was no candidate: that of the best one

private:
    bool                   is_whole = false;
    std::vector<float>     row;  // of all tokens, to be multiplied by the factor
    double                 factor = 1;
    std::vector<Candidate> items;
    float                  best     = 0;
    double                 log_mass = 0;
};

class Mirostat {
public:
    Mirostat(int32_t version, double tau, double eta) : version(version), tau(tau), eta(eta), mu(2 * tau) {}

    void truncate(Candidates & candidates);
    void remember(int32_t token);

private:
    void keep_zipf(Candidates & candidates) const;

    int32_t  version;
    double   tau, eta, mu;
    Snapshot left;
};

class Adaptive {
public:
    Adaptive(double target, double decay);

    void reshape(Candidates & candidates);
    void remember(int32_t token);

private:
    double   target, decay, weighted_sum, total_weight;
    Snapshot found;
};

}  // namespace coblyn
