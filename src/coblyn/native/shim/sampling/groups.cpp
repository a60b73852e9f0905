#include "groups.h"

#include <functional>

#if defined(__SSE2__) || defined(_M_X64)
#include <immintrin.h>
#endif
#if defined(_MSC_VER)
#include <intrin.h>
#endif

namespace coblyn {

namespace {

// With so many groups of a chunk to read, the whole chunk is read: that is a straight loop.
constexpr int32_t many_groups = 4;

// Of the best of groups, one in so many is looked at first.
constexpr size_t sampled = 8;

int32_t lowest_bit(uint32_t bits) {
#if defined(_MSC_VER)
    unsigned long place;
    _BitScanForward(&place, bits);
    return (int32_t) place;
#else
    return __builtin_ctz(bits);
#endif
}

int32_t number_of_bits(uint32_t bits) {
    int32_t n = 0;
    for (; bits != 0 && n < many_groups; bits &= bits - 1) {
        ++n;
    }
    return n;
}

// Which of `lanes` logits are at or above a limit: bit i for x[i].
inline uint32_t at_or_above(const float * x, float limit) {
    uint32_t found = 0;
#if defined(__AVX512F__)
    const __m512 floor = _mm512_set1_ps(limit);
    for (int32_t i = 0; i < lanes; i += 16) {
        found |= (uint32_t) _mm512_cmp_ps_mask(_mm512_loadu_ps(x + i), floor, _CMP_GE_OQ) << i;
    }
#elif defined(__AVX__)
    const __m256 floor = _mm256_set1_ps(limit);
    for (int32_t i = 0; i < lanes; i += 8) {
        found |= (uint32_t) _mm256_movemask_ps(_mm256_cmp_ps(_mm256_loadu_ps(x + i), floor, _CMP_GE_OQ)) << i;
    }
#elif defined(__SSE2__) || defined(_M_X64)
    const __m128 floor = _mm_set1_ps(limit);
    for (int32_t i = 0; i < lanes; i += 4) {
        found |= (uint32_t) _mm_movemask_ps(_mm_cmpge_ps(_mm_loadu_ps(x + i), floor)) << i;
    }
#else
    for (int32_t i = 0; i < lanes; ++i) {
        found |= (uint32_t) (x[i] >= limit) << i;
    }
#endif
    return found;
}

float nth_best(std::vector<float> & values, size_t n) {
    std::nth_element(values.begin(), values.begin() + (n - 1), values.end(), std::greater<float>());
    return values[n - 1];
}

}  // namespace

void Groups::look(const float * x, int32_t n) {
    logits = x;
    count  = n;
    tops.resize(n_parts(n, chunk));
    peaks.resize(tops.size() * lanes);
    holds_nan = find_peaks(x, n, peaks.data(), tops.data());
    highest   = *std::max_element(tops.begin(), tops.end());
}

void Groups::read_chunk(int32_t start, float limit, std::vector<Candidate> & out) const {
    const int32_t end = std::min(count, start + chunk);
    Candidate     some[chunk];
    int32_t       n = 0, i = start;
    for (; i + lanes <= end; i += lanes) {
        for (uint32_t found = at_or_above(logits + i, limit); found != 0; found &= found - 1) {
            const int32_t token = i + lowest_bit(found);
            some[n++] = {logits[token], token};
        }
    }
    for (; i < end; ++i) {
        if (logits[i] >= limit) {
            some[n++] = {logits[i], i};
        }
    }
    out.insert(out.end(), some, some + n);
}

void Groups::select_above(float limit, std::vector<Candidate> & out) const {
    out.clear();
    limit = std::max(limit, -std::numeric_limits<float>::max());  // what cannot be drawn is no candidate
    for (size_t which = 0; which < tops.size(); ++which) {
        if (!(tops[which] >= limit)) {
            continue;
        }
        const int32_t start = (int32_t) which * chunk, end = std::min(count, start + chunk);
        uint32_t      found = at_or_above(peaks.data() + which * lanes, limit);
        if (number_of_bits(found) == many_groups) {
            read_chunk(start, limit, out);
            continue;
        }
        for (; found != 0; found &= found - 1) {
            for (int32_t i = start + lowest_bit(found); i < end; i += lanes) {
                if (logits[i] >= limit) {
                    out.push_back({logits[i], i});
                }
            }
        }
    }
}

// A logit that at least `k` candidates reach, if there are so many. Of the best of groups or of chunks, `k` reach the k-th.
float Groups::limit_for(size_t k) {
    if (k == 1) {
        return highest;
    }
    if (2 * k <= tops.size()) {
        order = tops;
    } else if (k <= peaks.size()) {
        order = peaks;
    } else {
        return minus_infinity;
    }
    return nth_best(order, k);
}

// What `limit_for` would say if all groups were like one in some; infinity where these are too few to tell.
float Groups::guessed_limit(size_t k) {
    constexpr size_t enough = 64;
    const size_t     n      = k / sampled;
    if (n < enough || k > peaks.size()) {
        return std::numeric_limits<float>::infinity();
    }
    order.clear();
    for (size_t i = 0; i < peaks.size(); i += sampled + 1) {  // not always the same lanes
        order.push_back(peaks[i]);
    }
    return nth_best(order, std::min(n, order.size()));
}

void Groups::select_best(size_t k, std::vector<Candidate> & out) {
    out.clear();
    const float guess = guessed_limit(k);
    if (guess <= highest) {
        select_above(guess, out);
    }
    if (out.size() < k) {
        select_above(limit_for(k), out);
    }
    if (out.size() > k) {
        std::nth_element(out.begin(), out.begin() + (k - 1), out.end(), before);
        out.resize(k);
    }
}

}  // namespace coblyn
