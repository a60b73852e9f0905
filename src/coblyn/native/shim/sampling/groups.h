// A row of logits in groups, and the best of each. A group is what occupies one lane of a chunk: finding its best is a
// straight loop over vectors, and a search for high logits reads only the few groups that contain some.

#pragma once

#include "rows.h"

#include <cstdint>
#include <vector>

namespace coblyn {

struct Candidate {
    float   logit;
    int32_t token;
};

// Higher logits first; among equal ones, the lower id first.
inline bool before(const Candidate & a, const Candidate & b) {
    return a.logit > b.logit || (a.logit == b.logit && a.token < b.token);
}

class Groups {
public:
    void  look(const float * x, int32_t n);
    bool  has_nan() const { return holds_nan; }
    float best() const { return highest; }

    // All candidates at or above a logit, in any order.
    void select_above(float limit, std::vector<Candidate> & out) const;

    // The `k` >= 1 best candidates, in any order.
    void select_best(size_t k, std::vector<Candidate> & out);

private:
    float limit_for(size_t k);
    float guessed_limit(size_t k);
    void  read_chunk(int32_t start, float limit, std::vector<Candidate> & out) const;

    const float *      logits    = nullptr;
    int32_t            count     = 0;
    bool               holds_nan = false;
    float              highest   = minus_infinity;
    std::vector<float> peaks;  // `lanes` of each chunk
    std::vector<float> tops;   // one of each chunk
    std::vector<float> order;  // scratch
};

}  // namespace coblyn
