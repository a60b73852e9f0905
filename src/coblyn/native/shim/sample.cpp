// All samplers of a step in one call.
//
// Order (KoboldCPP's default): logit bias, penalties, top-k, top-p, min-p, temperature, draw. The numpy functions in
// coblyn/engine/sampling.py state the same semantics; property tests hold the two together.
//
// Cost matters here: a vocabulary has up to 262,144 logits, and a step of a small model takes a few milliseconds. So
// nothing sorts the vocabulary. What has to look at every logit is a straight loop over blocks that compilers turn into
// vector code; everything after that works on the few candidates that are left.

#include "coblyn.h"

#include "llama.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <utility>
#include <vector>

namespace {

constexpr int32_t lanes = 16;
constexpr float   minus_infinity = -std::numeric_limits<float>::infinity();

struct Candidate {
    float   logit;
    int32_t token;
};

// Higher logits first; of equal ones the lower id.
bool before(const Candidate & a, const Candidate & b) {
    return a.logit > b.logit || (a.logit == b.logit && a.token < b.token);
}

uint64_t mix(uint64_t x) {  // the finaliser of splitmix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014)
    x += 0x9E3779B97F4A7C15ULL;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
    return x ^ (x >> 31);
}

// e to the x for x <= 0, relative error below 3e-7, and 0 below -87. Without branches, so that loops over it vectorise.
inline float exponential(float x) {
    const float clamped  = x < -87.0f ? -87.0f : x;
    const float shifted  = clamped * 1.44269504f + 12582912.0f;  // adding 1.5 * 2^23 rounds to an integer
    const float exponent = shifted - 12582912.0f;
    const float r        = (clamped - exponent * 0.693359375f) + exponent * 2.12194440e-4f;
    float       p        = 1.9875691500e-4f;  // minimax polynomial of Cephes' expf
    p                    = p * r + 1.3981999507e-3f;
    p                    = p * r + 8.3334519073e-3f;
    p                    = p * r + 4.1665795894e-2f;
    p                    = p * r + 1.6666665459e-1f;
    p                    = p * r + 5.0000001201e-1f;
    p                    = p * r * r + r + 1.0f;
    const int32_t bits   = ((int32_t) exponent + 127) << 23;
    float         scale;
    std::memcpy(&scale, &bits, sizeof scale);
    return x < -87.0f ? 0.0f : p * scale;
}

// The logits in groups, and the best of each. A group is what stands in one lane of a chunk: to find its best is a straight
// loop over vectors, and whoever looks for high logits reads the few groups that hold some.
class Groups {
public:
    void look(const float * x, int32_t n) {
        logits = x;
        count  = n;
        peaks.assign((size_t) (n + chunk - 1) / chunk * width, minus_infinity);
        int32_t wrong[width] = {};
        int32_t i            = 0;
        for (; i + chunk <= n; i += chunk) {
            float best[width];
            std::fill(best, best + width, minus_infinity);
            for (int32_t row = i; row < i + chunk; row += width) {
                for (int32_t lane = 0; lane < width; ++lane) {
                    best[lane] = x[row + lane] > best[lane] ? x[row + lane] : best[lane];
                    wrong[lane] |= x[row + lane] != x[row + lane];
                }
            }
            std::copy(best, best + width, peaks.begin() + i / chunk * width);
        }
        for (; i < n; ++i) {
            float & peak = peaks[i / chunk * width + i % width];
            peak         = x[i] > peak ? x[i] : peak;
            wrong[0] |= x[i] != x[i];
        }
        holds_nan = *std::max_element(wrong, wrong + width) != 0;
    }

    bool has_nan() const { return holds_nan; }

    float best() const { return *std::max_element(peaks.begin(), peaks.end()); }

    // All candidates at or above a logit, in any order.
    void select_above(float limit, std::vector<Candidate> & out) const {
        out.clear();
        for (size_t group = 0; group < peaks.size(); ++group) {
            if (!(peaks[group] >= limit)) {
                continue;
            }
            const int32_t start = (int32_t) (group / width) * chunk;
            const int32_t end   = std::min(count, start + chunk);
            for (int32_t i = start + (int32_t) (group % width); i < end; i += width) {
                if (logits[i] >= limit && logits[i] > minus_infinity) {
                    out.push_back({logits[i], i});
                }
            }
        }
    }

    // The `k` >= 1 best candidates, best first. As many groups as that have a best: what is below all of these is out.
    void select_best(int32_t k, std::vector<Candidate> & out) {
        float limit = minus_infinity;
        if ((size_t) k <= peaks.size()) {
            order = peaks;
            std::nth_element(order.begin(), order.begin() + (k - 1), order.end(), std::greater<float>());
            limit = order[k - 1];
        }
        select_above(limit, out);
        if (out.size() > (size_t) k) {
            std::nth_element(out.begin(), out.begin() + (k - 1), out.end(), before);
            out.resize(k);
        }
        std::sort(out.begin(), out.end(), before);
    }

private:
    static constexpr int32_t width = 2 * lanes;
    static constexpr int32_t chunk = 32 * width;

    const float *      logits = nullptr;
    int32_t            count  = 0;
    bool               holds_nan = false;
    std::vector<float> peaks;
    std::vector<float> order;  // scratch
};

// Sum of exp((x - shift) * scale), and each term into `weights` if it is not NULL.
double exponential_sum(const float * x, int32_t n, float shift, float scale, float * weights) {
    double  total = 0;
    int32_t i     = 0;
    while (i + lanes <= n) {
        float         sums[lanes] = {};
        const int32_t end         = std::min(n - lanes, i + 4096 - lanes);  // short float sums keep their precision
        for (; i <= end; i += lanes) {
            for (int32_t j = 0; j < lanes; ++j) {
                const float term = exponential((x[i + j] - shift) * scale);
                sums[j] += term;
                if (weights) {
                    weights[i + j] = term;
                }
            }
        }
        for (float sum : sums) {
            total += sum;
        }
    }
    for (; i < n; ++i) {
        const float term = exponential((x[i] - shift) * scale);
        total += term;
        if (weights) {
            weights[i] = term;
        }
    }
    return total;
}

// How many of the sorted candidates reach `mass`, a sum of exp(logit - best); all, when all together do not.
size_t count_to_reach(const std::vector<Candidate> & sorted, size_t start, float best, double sum, double mass) {
    for (size_t i = start; i < sorted.size(); ++i) {
        sum += exponential(sorted[i].logit - best);
        if (sum >= mass) {
            return i + 1;
        }
    }
    return sorted.size();
}

// The smallest set of best candidates that reaches `mass`. A histogram of the mass over bands of logits tells in which
// band the border lies, so that only that band has to be sorted.
void select_mass(const float * x, int32_t n, const Groups & groups, const float * weights, double mass,
                 std::vector<Candidate> & out) {
    const float       best  = groups.best();
    constexpr int32_t bands = 1024;
    constexpr float   per_unit = 32.0f;  // bands below `best`, 1/32 wide; the last one takes all the rest
    double            masses[bands] = {};
    const auto band_of = [&](float logit) {
        const float distance = (best - logit) * per_unit;
        return distance < (float) (bands - 1) ? (int32_t) distance : bands - 1;
    };
    for (int32_t i = 0; i < n; ++i) {
        masses[band_of(x[i])] += weights[i];
    }
    int32_t border = 0;
    double  sum    = 0;
    while (border < bands - 1 && sum + masses[border] < mass) {
        sum += masses[border++];
    }
    const float floor = border < bands - 1 ? best - (float) (border + 1) / per_unit : minus_infinity;
    groups.select_above(floor, out);
    // Rounding may let in candidates of the next band; they come last and change nothing.
    const auto middle = std::partition(out.begin(), out.end(),
                                       [&](const Candidate & c) { return band_of(c.logit) < border; });
    const size_t start = middle - out.begin();
    std::sort(middle, out.end(), before);
    out.resize(std::max<size_t>(1, count_to_reach(out, start, best, sum, mass)));
}

}  // namespace

struct coblyn_sampler {
    coblyn_sampler_params params;
    int32_t               n_vocab;
    std::vector<std::pair<int32_t, float>> bias;
    std::vector<int32_t>                   history;

    // Scratch; kept, so that a step allocates nothing.
    std::vector<std::pair<int32_t, float>> raw;  // logits that were changed, as they were
    Groups                                 groups;
    std::vector<Candidate>                 candidates;
    std::vector<float>                     weights;
    std::vector<float>                     copy;

    bool penalises() const {
        return params.repetition_penalty != 1.0f || params.presence_penalty != 0.0f || params.frequency_penalty != 0.0f;
    }

    void change(float * logits, int32_t token, float value) {
        raw.emplace_back(token, logits[token]);
        logits[token] = value;
    }

    void apply_bias(float * logits) {
        for (const auto & [token, value] : bias) {
            change(logits, token, logits[token] + value);
        }
    }

    void apply_penalties(float * logits) {
        const size_t range  = params.repetition_range > 0 ? (size_t) params.repetition_range : history.size();
        const size_t window = std::min(range, history.size());
        const size_t start  = history.size() - window;
        const size_t middle = start + window / 2;

        struct Seen {
            uint32_t count;
            bool     is_new;
        };
        static thread_local std::vector<Seen> seen;
        if (seen.size() < (size_t) n_vocab) {
            seen.resize(n_vocab);
        }
        for (size_t i = start; i < history.size(); ++i) {
            Seen & entry = seen[history[i]];
            entry.count += 1;
            entry.is_new |= i >= middle;
        }
        for (size_t i = start; i < history.size(); ++i) {
            const int32_t token = history[i];
            Seen &        entry = seen[token];
            if (entry.count == 0) {
                continue;  // done already
            }
            const float newer   = params.repetition_penalty;
            const float older   = newer > 1.0f ? 1.0f + (newer - 1.0f) * params.repetition_slope : newer;
            const float penalty = entry.is_new ? newer : older;
            float       logit   = logits[token];
            logit               = logit > 0 ? logit / penalty : logit * penalty;
            logit -= params.presence_penalty + params.frequency_penalty * (float) entry.count;
            change(logits, token, logit);
            entry = {0, false};
        }
    }

    // Why there is no token to draw. Nothing but biases and bans takes a sound model's last finite logit away.
    int32_t reason_for_none(float * logits) const {
        for (auto change = raw.rbegin(); change != raw.rend(); ++change) {
            logits[change->first] = change->second;
        }
        const bool is_sound = std::any_of(logits, logits + n_vocab, [](float logit) { return std::isfinite(logit); });
        return is_sound ? COBLYN_ALL_FORBIDDEN : COBLYN_NO_NUMBERS;
    }

    int32_t draw(float * logits) {
        groups.look(logits, n_vocab);
        const float best = groups.best();
        if (groups.has_nan() || best == std::numeric_limits<float>::infinity()) {
            return COBLYN_NO_NUMBERS;
        }
        if (best == minus_infinity) {
            return reason_for_none(logits);
        }
        if (params.temperature <= 0) {  // greedy
            groups.select_best(1, candidates);
            return candidates.front().token;
        }
        const double random = coblyn_random(params.seed, history.size());
        const bool   cuts_k = params.top_k > 0 && params.top_k < n_vocab;
        if (!cuts_k && params.top_p >= 1.0f && params.min_p <= 0.0f) {
            return draw_from_all(logits, best, random);
        }
        choose_candidates(logits, best, cuts_k);
        return draw_from_candidates(best, random);
    }

    int32_t draw_from_all(const float * logits, float best, double random) {
        weights.resize(n_vocab);
        const double target =
            random * exponential_sum(logits, n_vocab, best, 1.0f / params.temperature, weights.data());
        double  sum  = 0;
        int32_t last = -1;
        for (int32_t i = 0; i < n_vocab; ++i) {
            if (weights[i] > 0) {
                sum += weights[i];
                last = i;
                if (sum > target) {
                    break;
                }
            }
        }
        return last;
    }

    void choose_candidates(const float * logits, float best, bool cuts_k) {
        const float floor = params.min_p > 0 ? best + std::log(params.min_p) : minus_infinity;
        if (cuts_k) {
            groups.select_best(params.top_k, candidates);
            cut_top_p(best);
        } else if (params.top_p < 1.0f) {
            select_top_p(logits, best);
        } else {
            groups.select_above(floor, candidates);
        }
        candidates.erase(std::remove_if(candidates.begin(), candidates.end(),
                                        [&](const Candidate & c) { return c.logit < floor; }),
                         candidates.end());
    }

    void select_top_p(const float * logits, float best) {
        weights.resize(n_vocab);
        const double total = exponential_sum(logits, n_vocab, best, 1.0f, weights.data());
        select_mass(logits, n_vocab, groups, weights.data(), params.top_p * total, candidates);
    }

    void cut_top_p(float best) {
        if (params.top_p < 1.0f) {
            const double mass = params.top_p * sum_of_candidates(best);
            candidates.resize(count_to_reach(candidates, 0, best, 0, mass));
        }
    }

    double sum_of_candidates(float best) const {
        double sum = 0;
        for (const Candidate & candidate : candidates) {
            sum += exponential(candidate.logit - best);
        }
        return sum;
    }

    int32_t draw_from_candidates(float best, double random) {
        std::sort(candidates.begin(), candidates.end(),
                  [](const Candidate & a, const Candidate & b) { return a.token < b.token; });
        const float scale = 1.0f / params.temperature;
        double      total = 0;
        for (Candidate & candidate : candidates) {
            candidate.logit = exponential((candidate.logit - best) * scale);  // from here on a weight
            total += candidate.logit;
        }
        double  sum  = 0;
        int32_t last = -1;
        for (const Candidate & candidate : candidates) {
            if (candidate.logit > 0) {
                sum += candidate.logit;
                last = candidate.token;
                if (sum > random * total) {
                    break;
                }
            }
        }
        return last;
    }

    // The model's own distribution, before any change.
    double log_sum(const float * logits, float & best) {
        groups.look(logits, n_vocab);
        best = groups.best();
        return std::log(exponential_sum(logits, n_vocab, best, 1.0f, nullptr));
    }

    float raw_logit(const float * logits, int32_t token) const {
        for (const auto & [changed, value] : raw) {
            if (changed == token) {
                return value;
            }
        }
        return logits[token];
    }

    void sample(float * logits, coblyn_row & row) {
        raw.clear();
        row.n_top  = 0;
        float  best = 0;
        double sum  = 0;
        if (params.n_logprobs >= 0) {
            sum = log_sum(logits, best);
        }
        if (params.n_logprobs > 0) {
            groups.select_best(params.n_logprobs, candidates);
            row.n_top = (int32_t) candidates.size();
            for (int32_t i = 0; i < row.n_top; ++i) {
                row.top_tokens[i]   = candidates[i].token;
                row.top_logprobs[i] = (float) (candidates[i].logit - best - sum);
            }
        }
        apply_bias(logits);
        if (penalises()) {
            apply_penalties(logits);
        }
        row.token = draw(logits);
        if (row.token >= 0) {
            row.logprob = params.n_logprobs >= 0 ? (float) (raw_logit(logits, row.token) - best - sum) : 0.0f;
            history.push_back(row.token);
        }
    }
};

double coblyn_random(uint64_t seed, uint64_t position) {
    return (double) (mix(mix(seed) + position) >> 11) * 0x1.0p-53;
}

coblyn_sampler * coblyn_sampler_new(const coblyn_sampler_params * params, int32_t n_vocab, const int32_t * history,
                                    int32_t n_history) {
    auto * sampler   = new coblyn_sampler();
    sampler->params  = *params;
    sampler->n_vocab = n_vocab;
    for (int32_t i = 0; i < params->n_bias; ++i) {
        const int32_t token = params->bias_tokens[i];
        if (token >= 0 && token < n_vocab) {
            sampler->bias.emplace_back(token, params->bias_values[i]);
        }
    }
    sampler->params.bias_tokens = nullptr;
    sampler->params.bias_values = nullptr;
    sampler->history.assign(history, history + n_history);
    return sampler;
}

void coblyn_sampler_free(coblyn_sampler * sampler) {
    delete sampler;
}

int32_t coblyn_sample(llama_context * ctx, coblyn_row * rows, int32_t n_rows) {
    // The first question for logits may move them about, so all are asked for before any is sampled.
    static thread_local std::vector<float *> found;
    found.assign(n_rows, nullptr);
    for (int32_t i = 0; i < n_rows; ++i) {
        coblyn_sampler & sampler = *rows[i].sampler;
        if (rows[i].logits) {  // kept for others: only a copy may be changed
            sampler.copy.assign(rows[i].logits, rows[i].logits + sampler.n_vocab);
            found[i] = sampler.copy.data();
        } else {
            found[i] = llama_get_logits_ith(ctx, rows[i].output);
        }
        if (!found[i]) {
            return i + 1;
        }
    }
    float * const * const logits = found.data();
#if defined(_OPENMP)
    // As many threads as ggml uses: the pool is its own, and a team of another size would be set up anew each time.
    const int32_t n_threads = ctx && n_rows > 1 ? llama_n_threads(ctx) : 1;
#pragma omp parallel for schedule(dynamic, 1) num_threads(n_threads) if (n_threads > 1)
#endif
    for (int32_t i = 0; i < n_rows; ++i) {
        if (rows[i].keep) {
            std::memcpy(rows[i].keep, logits[i], sizeof(float) * rows[i].sampler->n_vocab);
        }
        rows[i].sampler->sample(logits[i], rows[i]);
    }
    return 0;
}
