// The samplers without memory, each a function of the candidates. coblyn/engine/sampling/ says what they mean and where
// they come from.

#pragma once

#include "candidates.h"

#include <vector>

namespace coblyn {

// truncation.cpp
void keep_top_k(Candidates & candidates, double k);
void keep_top_p(Candidates & candidates, double p);
void keep_min_p(Candidates & candidates, double p);
void keep_top_a(Candidates & candidates, double a);
void keep_typical(Candidates & candidates, double p);
void keep_tail_free(Candidates & candidates, double z);
void keep_top_n_sigma(Candidates & candidates, double n);

// temperature.cpp
struct Temperature {
    double value;
    double spread;    // 0: fixed
    double exponent;
    double factor;    // of smoothing; 0: none
    double curve;
};
void apply_temperature(Candidates & candidates, const Temperature & temperature);

// xtc.cpp
void exclude_top_choices(Candidates & candidates, double threshold, double probability, double number);

// penalties.cpp
struct Penalties {
    double repetition;
    double range;  // 0 or less: all
    double slope;
    double presence;
    double frequency;
};
void apply_penalties(Candidates & candidates, const Penalties & penalties, const std::vector<int32_t> & history);

}  // namespace coblyn
