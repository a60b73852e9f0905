// All samplers of a step in one call.
//
// First the logit bias, then the stages of the request in their order, then the draw. The numpy functions in
// coblyn/engine/sampling/ state the same semantics; property tests hold the two together.
//
// Cost matters here: a vocabulary has up to 262,144 logits, and a step of a small model takes a few milliseconds. So
// the vocabulary is never sorted. What has to look at every logit is a straight loop over blocks, which compilers vectorize;
// everything after that works on the few remaining candidates.

#include "coblyn.h"

#include "sampling/chain.h"
#include "sampling/random.h"

#include "llama.h"

#include <cmath>
#include <cstring>

using coblyn::Candidate;
using coblyn::Candidates;

struct coblyn_sampler {
    int32_t                                n_vocab;
    int32_t                                n_logprobs;
    bool                                   logprobs_after;
    uint64_t                               seed;
    std::vector<int32_t>                   bias_tokens;
    std::vector<float>                     bias_values;
    std::vector<int32_t>                   history;
    coblyn::Chain                          chain;

    // Scratch; kept so that a step allocates nothing.
    Candidates             candidates;
    std::vector<Candidate> top;
    std::vector<float>     copy;

    coblyn_sampler(const coblyn_sampler_params & params, int32_t n_vocab, std::vector<int32_t> tokens)
        : n_vocab(n_vocab), n_logprobs(params.n_logprobs), logprobs_after(params.logprobs_after), seed(params.seed), history(std::move(tokens)),
          chain(params, history) {
        for (int32_t i = 0; i < params.n_bias; ++i) {
            if (params.bias_tokens[i] >= 0 && params.bias_tokens[i] < n_vocab) {
                bias_tokens.push_back(params.bias_tokens[i]);
                bias_values.push_back(params.bias_values[i]);
            }
        }
    }

    // Apply the bias and the first stages. Returns 0, or the reason why there is no candidate.
    int32_t prepare(size_t n_stages) {
        // One at a time: a token may appear twice.
        for (size_t i = 0; i < bias_tokens.size(); ++i) {
            candidates.change(&bias_tokens[i], 1, [&](float logit, size_t) { return logit + bias_values[i]; });
        }
        return chain.apply(candidates, history, n_stages);
    }

    // Report the best candidates in their current state.
    void tell(double log_sum, coblyn_drawn & out) {
        if (n_logprobs == 0) {
            return;
        }
        candidates.leading(n_logprobs, top);
        out.n_top = (int32_t) top.size();
        for (int32_t i = 0; i < out.n_top; ++i) {
            out.top_tokens[i]   = top[i].token;
            out.top_logprobs[i] = (float) (top[i].logit - log_sum);
        }
    }

    void draw(float * logits, const uint32_t * mask, coblyn_drawn & out) {
        const bool is_told_before = n_logprobs >= 0 && !logprobs_after;
        const bool is_told_after  = n_logprobs >= 0 && logprobs_after;
        candidates.begin(logits, n_vocab);
        out.n_top      = 0;
        out.logprob    = 0;
        double log_sum = 0;  // of the model's own distribution, before any change
        if (is_told_before) {
            log_sum = candidates.best() + std::log(candidates.mass());
            tell(log_sum, out);
        }
        if (mask) {  // log-probabilities are the model's, so not earlier
            const bool is_lost = coblyn::forbid(logits, n_vocab, mask);
            candidates.begin(logits, n_vocab, is_lost);
        }
        out.token = prepare(chain.size());
        if (out.token < 0) {
            return;
        }
        double mass = 0;
        if (is_told_after) {
            mass = candidates.mass();
            tell(candidates.best() + std::log(mass), out);
        }
        out.token = candidates.draw(coblyn_random(seed, history.size()));
        if (is_told_before) {
            out.logprob = (float) (candidates.raw_logit(out.token) - log_sum);
        } else if (is_told_after) {
            out.logprob = (float) candidates.drawn_logprob(out.token, mass);
        }
        history.push_back(out.token);
        chain.remember(out.token);
    }

    // Draw a token, and one more for each draft that was guessed correctly. `away` is NULL, or what the row is guided away from.
    void sample(float * const * logits, const float * away, const int32_t * drafts, coblyn_row & row, const llama_vocab * vocab) {
        const int32_t n_words = (n_vocab + 31) / 32;
        if (away && row.max_drawn > 0) {
            coblyn_guide(logits[0], away, row.guide_scale, n_vocab);
        }
        for (int32_t i = 0; i <= row.n_drafts && row.n_drawn < row.max_drawn; ++i) {
            coblyn_drawn & drawn = row.drawn[row.n_drawn++];
            draw(logits[i], row.mask ? row.mask + (ptrdiff_t) i * n_words : nullptr, drawn);
            if (i == row.n_drafts || drawn.token != drafts[i] || llama_vocab_is_eog(vocab, drawn.token)) {
                return;
            }
        }
    }
};

void coblyn_guide(float * to, const float * away, float scale, int32_t n) {
    constexpr float lowest = coblyn::minus_infinity, highest = std::numeric_limits<float>::max(), largest = coblyn::largest;
    const auto bounded = [](float x) { return x > largest ? largest : x < -largest ? -largest : x; };
    for (int32_t i = 0; i < n; ++i) {
        const float l = to[i], other = away[i];
        const float mixed = bounded(other + scale * bounded(l - other));
        const bool  stays = l == lowest || other == lowest;
        const bool  is_number = l <= highest && other <= highest;  // false for NaN
        to[i] = stays ? l : is_number ? mixed : std::numeric_limits<float>::quiet_NaN();
    }
}

double coblyn_random(uint64_t seed, uint64_t position) {
    return coblyn::random_number(seed, position);
}

coblyn_sampler * coblyn_sampler_new(const coblyn_sampler_params * params, int32_t n_vocab, const int32_t * history,
                                    int32_t n_history) {
    return new coblyn_sampler(*params, n_vocab, std::vector<int32_t>(history, history + n_history));
}

void coblyn_sampler_free(coblyn_sampler * sampler) {
    delete sampler;
}

void coblyn_sampler_accept(coblyn_sampler * sampler, const int32_t * tokens, int32_t n_tokens) {
    for (int32_t i = 0; i < n_tokens; ++i) {
        sampler->history.push_back(tokens[i]);
        sampler->chain.accept(tokens[i]);
    }
}

int32_t coblyn_candidates(coblyn_sampler * sampler, const float * logits, int32_t n_stages, int32_t capacity,
                          int32_t * tokens, float * values) {
    sampler->copy.assign(logits, logits + sampler->n_vocab);
    sampler->candidates.begin(sampler->copy.data(), sampler->n_vocab);
    if (const int32_t fault = sampler->prepare((size_t) std::max(0, n_stages))) {
        return fault;
    }
    const auto & items = sampler->candidates.sorted((size_t) std::max(0, capacity));
    for (int32_t i = 0; i < std::min(capacity, (int32_t) items.size()); ++i) {
        tokens[i] = items[i].token;
        values[i] = items[i].logit;
    }
    return (int32_t) items.size();
}

namespace {

// Where the logits of the rows lie: of each row those of its last known token and of its drafts, then those it is guided away from.
struct Located {
    std::vector<float *>       logits;
    std::vector<size_t>        starts;
    std::vector<const float *> away;

    // The first request for logits may move them, so all are requested before any is sampled.
    // Returns 0, or i + 1 when row i has no logits.
    int32_t find(llama_context * ctx, const coblyn_row * rows, int32_t n_rows) {
        logits.clear();
        starts.clear();
        away.assign(n_rows, nullptr);
        for (int32_t i = 0; i < n_rows; ++i) {
            starts.push_back(logits.size());
            const coblyn_row & row = rows[i];
            if ((row.max_drawn > 0 || row.keep || row.guide_keep) && !find(ctx, row, away[i])) {
                return i + 1;
            }
        }
        return 0;
    }

private:
    bool find(llama_context * ctx, const coblyn_row & row, const float *& guide) {
        if (row.guide_scale != 1) {
            guide = row.guide_logits ? row.guide_logits : llama_get_logits_ith(ctx, row.guide_output);
            if (!guide) {
                return false;
            }
        }
        if (row.logits) {  // kept for others: only a copy may be changed
            std::vector<float> & copy = row.sampler->copy;
            copy.assign(row.logits, row.logits + row.sampler->n_vocab);
            logits.push_back(copy.data());
            return true;
        }
        for (int32_t j = 0; j <= row.n_drafts; ++j) {
            logits.push_back(llama_get_logits_ith(ctx, row.output + j));
            if (!logits.back()) {
                return false;
            }
        }
        return true;
    }
};

}  // namespace

int32_t coblyn_sample(llama_context * ctx, const int32_t * tokens, coblyn_row * rows, int32_t n_rows) {
    static thread_local Located located;
    if (const int32_t missing = located.find(ctx, rows, n_rows)) {
        return missing;
    }
    const Located &     at    = located;  // the threads below have others of that name
    const llama_vocab * vocab = ctx ? llama_model_get_vocab(llama_get_model(ctx)) : nullptr;
#if defined(_OPENMP)
    // As many threads as ggml uses: the pool belongs to ggml, and a team of another size would be set up anew each time.
    const int32_t n_threads = ctx && n_rows > 1 ? llama_n_threads(ctx) : 1;
#pragma omp parallel for schedule(dynamic, 1) num_threads(n_threads) if (n_threads > 1)
#endif
    for (int32_t i = 0; i < n_rows; ++i) {
        coblyn_row &          row    = rows[i];
        float * const * const logits = at.logits.data() + at.starts[i];
        const size_t          size   = sizeof(float) * row.sampler->n_vocab;
        if (row.keep) {
            std::memcpy(row.keep, logits[0], size);
        }
        if (row.guide_keep && at.away[i]) {
            std::memcpy(row.guide_keep, at.away[i], size);
        }
        row.sampler->sample(logits, at.away[i], tokens + row.output + 1, row, vocab);
    }
    return 0;
}
