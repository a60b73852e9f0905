// Steps in a row without Python between them. After a decode the caches are the model's: what Python does then is slow,
// and a small model's step takes only milliseconds.

#include "coblyn.h"

#include "llama.h"

#include <chrono>

namespace {

using Clock = std::chrono::steady_clock;

double seconds(Clock::duration duration) {
    return std::chrono::duration<double>(duration).count();
}

coblyn_row * rows_of(const coblyn_steps & steps, int32_t step) {
    return steps.rows + (ptrdiff_t) step * steps.n_rows;
}

int32_t decode(llama_context * ctx, coblyn_steps & steps) {
    if (steps.n_tokens == 0) {
        return 0;
    }
    const auto    start = Clock::now();
    const int32_t code =
        coblyn_decode(ctx, steps.n_tokens, steps.tokens, steps.positions, steps.sequences, steps.outputs);
    steps.decode_seconds += seconds(Clock::now() - start);
    return code;
}

bool is_interrupted(const coblyn_steps & steps) {
    // A plain read that the compiler must not move: it matters little whether the word arrives a step later.
    return *(const volatile int32_t *) &steps.is_interrupted != 0;
}

// Whether a row came to an end: somebody has to decide what is next.
bool is_over(llama_context * ctx, const coblyn_steps & steps, int32_t step) {
    const llama_vocab * vocab = llama_model_get_vocab(llama_get_model(ctx));
    const coblyn_row *  rows  = rows_of(steps, step);
    for (int32_t i = 0; i < steps.n_rows; ++i) {
        if (rows[i].token < 0 || llama_vocab_is_eog(vocab, rows[i].token)) {
            return true;
        }
    }
    return false;
}

// What was drawn is what the next step computes.
void follow(coblyn_steps & steps, int32_t step) {
    const coblyn_row * drawn = rows_of(steps, step);
    coblyn_row *       next  = rows_of(steps, step + 1);
    for (int32_t i = 0; i < steps.n_rows; ++i) {
        steps.tokens[i] = drawn[i].token;
        steps.positions[i] += 1;
        next[i].sampler = drawn[i].sampler;
        next[i].logits  = nullptr;
        next[i].keep    = nullptr;
        next[i].output  = drawn[i].output;
    }
}

}  // namespace

int32_t coblyn_run(llama_context * ctx, coblyn_steps * steps) {
    const auto start      = Clock::now();
    auto       step_start = start;
    steps->n_done         = 0;
    steps->decode_seconds = 0;
    while (true) {
        if (const int32_t code = decode(ctx, *steps)) {
            return code;
        }
        if (const int32_t missing = coblyn_sample(ctx, rows_of(*steps, steps->n_done), steps->n_rows)) {
            return COBLYN_NO_LOGITS - missing;
        }
        const int32_t step = steps->n_done++;
        const auto    now  = Clock::now();
        // The next step will take as long as this one did.
        const bool is_late = seconds(now - start) + seconds(now - step_start) > steps->max_seconds;
        if (steps->n_done == steps->max_steps || is_late || is_interrupted(*steps) || is_over(ctx, *steps, step)) {
            return 0;
        }
        follow(*steps, step);
        step_start = now;
    }
}
