// What may be drawn while the samplers of a chain work on it: at first a whole row of logits, which is never sorted, later a
// list of the few that are left.

#pragma once

#include "groups.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace coblyn {

class Candidates {
public:
    // Start with all tokens of a row; the row is changed where single tokens are. `is_masked` says that tokens that could have
    // been drawn were removed from it.
    void begin(float * logits, int32_t n_vocab, bool is_masked = false);

    // Whether the row holds usable numbers, at least one of which can be drawn: 0, COBLYN_ALL_FORBIDDEN or COBLYN_NO_NUMBERS.
    // Called before anything else except `change`.
    int32_t fault();

    int32_t vocabulary() const { return n_vocab; }
    size_t  count() const;
    float   best();
    double  mass();       // sum of exp(logit - best)
    double  expected();   // mean of the logits, each with its probability
    double  entropy();    // in nats
    double  deviation();  // standard deviation of the logits, of the population

    void keep_best(size_t k);          // k >= 1
    void keep_above(double limit);     // and the best one
    void scale(double factor);         // multiply all logits

    // The logits of all tokens, to be multiplied by `row_factor`; NULL where there is a list.
    const float * whole_row() const { return is_list ? nullptr : row; }
    double        row_factor() const { return factor; }

    // Change all logits by a function of each.
    template <class Curve> void bend(const Curve & curve) {
        if (is_list) {
            for (Candidate & item : items) {
                item.logit = curve(item.logit);
            }
            reordered();
            return;
        }
        bent.resize(n_vocab);
        coblyn::bend(row, n_vocab, factor, curve, bent.data());
        row     = bent.data();
        factor  = 1.0;
        is_seen = false;
    }

    // Keep the smallest set of those nearest to a logit whose mass reaches `mass`; of two as near, the better one first.
    void keep_near(double logit, double mass);

    // As a list. Code that changes logits calls `reordered`, since the best may be others now.
    std::vector<Candidate> & list();
    void                     reordered() { n_sorted = 0; }
    // The list, its first `n` entries the best in order; or all entries, where the list is not longer than that.
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
                    if (row == given) {
                        raw.emplace_back(token, row[token]);
                    }
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

    // The token at which the cumulative mass, in order of id, first exceeds this share; consumes the list.
    int32_t draw(double number);

    // After that, for the drawn token: the logarithm of its share of the mass before the draw.
    double drawn_logprob(int32_t token, double mass) const;

    // The logit before any change of the row.
    float raw_logit(int32_t token) const;

private:
    void    see();
    double  weigh();
    void    place();
    void    unplace();
    int32_t draw_from_row(double number);
    int32_t draw_from_list(double number);
    void    list_near(double logit, double mass);
    Weighed weighed_all();

    float * given   = nullptr;
    float * row     = nullptr;  // the given one, or what was made of it
    int32_t n_vocab = 0;
    double  factor  = 1.0;  // of the row, not yet applied
    bool    is_list = false;
    bool    is_masked = false;
    bool    is_seen = false;  // `groups` is up to date with the row
    size_t  n_sorted = 0;
    Groups  groups;
    std::vector<Candidate>                 items;
    std::vector<std::pair<int32_t, float>> raw;       // original values of what was changed in the row
    std::vector<float>                     bent;      // what was made of the row
    std::vector<double>                    masses;    // of blocks of the row, or of ids; scratch
    std::vector<Candidate>                 drawable;  // scratch
    std::vector<int32_t>                   places;    // of each token in `items`, from 1 on; 0 between uses
};

}  // namespace coblyn
