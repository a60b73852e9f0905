// A row of logits in groups, and the best of each. A group is what occupies one lane of a chunk: finding its best is a
// straight loop over vectors, and a search for high logits reads only the few groups that contain some.

#pragma once

#include "softmax.h"

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
    float best() const { return *std::max_element(peaks.begin(), peaks.end()); }

    // All candidates at or above a logit, in any order.
    void select_above(float limit, std::vector<Candidate> & out) const;

    // The `k` >= 1 best candidates, in any order. At least `k` groups have a best: what is below all of these is out.
    void select_best(size_t k, std::vector<Candidate> & out);

private:
    static constexpr int32_t width = lanes;
    static constexpr int32_t chunk = 32 * width;

    const float *      logits    = nullptr;
    int32_t            count     = 0;
    bool               holds_nan = false;
    std::vector<float> peaks;
    std::vector<float> order;  // scratch
};

}  // namespace coblyn
