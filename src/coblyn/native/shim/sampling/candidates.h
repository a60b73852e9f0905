// What may be drawn, while the samplers of a chain work on it: at first a whole row of logits, which is never sorted or
// copied, later the list of the few that are left.

#pragma once

#include "groups.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace coblyn {

constexpr float largest = 1e30f;  // finite logits are held between minus this and this

inline float bounded(double logit) {
    return logit > largest ? largest : logit < -largest ? -largest : (float) logit;
}

class Candidates {
public:
    // From now on all tokens of a row; it is changed where single tokens are.
    void begin(float * logits, int32_t n_vocab);

    // Whether the row holds numbers, and one that can be drawn: 0, COBLYN_ALL_FORBIDDEN or COBLYN_NO_NUMBERS.
    // Asked before anything else but `change`.
    int32_t fault();

    int32_t vocabulary() const { return n_vocab; }
    size_t  count() const;
    float   best();
    double  mass();     // sum of exp(logit - best)
    double  entropy();  // in nats
    double  deviation() const;  // standard deviation of the logits, of the population

    void keep_best(size_t k);          // k >= 1
    void keep_above(double limit);     // and the best one
    void keep_share(double share);     // the smallest set of best ones with this share of the mass
    void scale(double factor);         // multiply all logits

    // As a list. Whoever changes logits says with `reordered` that the best may be others now.
    std::vector<Candidate> & list();
    void                     reordered() { n_sorted = 0; }
    // The list, its first `n` entries the best in their order, and all entries where the list is no longer.
    std::vector<Candidate> & sorted(size_t n);

    // The `k` best tokens of the row, best first; nothing changes.
    void top(size_t k, std::vector<Candidate> & out);

    // The `k` best candidates, best first.
    void leading(size_t k, std::vector<Candidate> & out);

    // The candidates at or above a logit, in any order; nothing changes.
    void above(double limit, std::vector<Candidate> & out);

    // logit = edit(logit, i) for those of the tokens, each once, that are candidates.
    template <class Edit> void change(const int32_t * tokens, size_t n, Edit edit) {
        if (!is_list && factor == 1.0) {
            for (size_t i = 0; i < n; ++i) {
                const int32_t token = tokens[i];
                if (std::isfinite(row[token])) {
                    raw.emplace_back(token, row[token]);
                    row[token] = (float) edit(row[token], i);
                }
            }
            is_seen = n == 0 && is_seen;
            return;
        }
        place();
        for (size_t i = 0; i < n; ++i) {
            if (const int32_t at = places[tokens[i]]) {
                items[at - 1].logit = (float) edit(items[at - 1].logit, i);
            }
        }
        unplace();
    }

    // The token at which the mass, in the order of ids, first exceeds this share of it; takes the list apart.
    int32_t draw(double number);

    // After that, of the token that was drawn: the logarithm of its part of the mass that there was before.
    double drawn_logprob(int32_t token, double mass) const;

    // The logit as it was before any change of the row.
    float raw_logit(int32_t token) const;

private:
    void    see();
    void    place();
    void    unplace();
    int32_t draw_from_row(double number);
    int32_t draw_from_list(double number);
    void    keep_share_of_row(double share);

    float * row     = nullptr;
    int32_t n_vocab = 0;
    double  factor  = 1.0;  // of the row, not yet multiplied
    bool    is_list = false;
    bool    is_seen = false;  // `groups` knows the row
    size_t  n_sorted = 0;
    Groups  groups;
    std::vector<Candidate>                 items;
    std::vector<std::pair<int32_t, float>> raw;      // what was changed in the row, as it was
    std::vector<float>                     weights;  // scratch
    std::vector<double>                    masses;   // scratch
    std::vector<int32_t>                   places;   // of each token in `items`, from 1 on; 0 between uses
};

}  // namespace coblyn
