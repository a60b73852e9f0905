// Several steps in succession without Python in between. After a decode the caches hold the model's data, so Python is slow
// then, and a step of a small model takes only milliseconds.

#include "coblyn.h"

#include "llama.h"

#include <algorithm>
#include <chrono>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

double seconds(Clock::duration duration) {
    return std::chrono::duration<double>(duration).count();
}

int32_t decode(llama_context * ctx, coblyn_steps & steps) {
    if (steps.n_tokens == 0) {
        return 0;
    }
    const auto    start = Clock::now();
    const int32_t code =
        coblyn_decode(ctx, steps.n_tokens, steps.tokens, steps.positions, steps.sequences, steps.outputs);
    if (code == 0 && steps.states) {
        coblyn_append_states(ctx, &steps);
    }
    steps.decode_seconds += seconds(Clock::now() - start);
    return code;
}

// Whether the states of another step can be kept, if they have to be. It has up to two tokens for each row.
bool has_room(const coblyn_steps & steps) {
    return !steps.states || steps.states->n + 2 * steps.n_rows <= steps.states->capacity;
}

bool is_interrupted(const coblyn_steps & steps) {
    // A plain read that the compiler must not move: it does not matter if the value arrives a step later.
    return *(const volatile int32_t *) &steps.is_interrupted != 0;
}

// Whether a row wants another token and the one it drew last can be computed for it.
bool wants_more(llama_context * ctx, const coblyn_row & row) {
    if (row.n_drafts > 0 || row.n_drawn == 0 || row.n_drawn >= row.max_drawn) {
        return false;
    }
    const int32_t token = row.drawn[row.n_drawn - 1].token;
    return token >= 0 && !llama_vocab_is_eog(llama_model_get_vocab(llama_get_model(ctx)), token);
}

// Whether a further step is useful: some row wants one, and no row that draws has finished, since Python then has to
// decide what comes next.
bool go_on(llama_context * ctx, const coblyn_steps & steps) {
    bool is_wanted = false;
    for (int32_t i = 0; i < steps.n_rows; ++i) {
        const coblyn_row & row = steps.rows[i];
        if (row.max_drawn == 0) {
            continue;
        }
        if (!wants_more(ctx, row)) {
            return false;
        }
        is_wanted = true;
    }
    return is_wanted;
}

// What a row computes next: what it drew last, in its own sequence or in that of its guide.
struct Next {
    coblyn_row * row;
    bool         is_guide;

    int32_t sequence() const { return is_guide ? row->guide_sequence : row->sequence; }
};

// The next step computes what was drawn. Tokens stand in the order of their sequences: where these have cells of their own, the
// library cuts a batch wherever ids do not follow each other.
void follow(coblyn_steps & steps) {
    static thread_local std::vector<Next> all;
    all.clear();
    for (int32_t i = 0; i < steps.n_rows; ++i) {
        coblyn_row & row = steps.rows[i];
        row.keep = row.guide_keep = nullptr;
        row.logits = row.guide_logits = nullptr;
        row.mask = nullptr;
        if (row.max_drawn == 0) {
            continue;
        }
        all.push_back({&row, false});
        if (row.guide_scale != 1) {
            all.push_back({&row, true});
        }
    }
    const auto by_sequence = [](const Next & a, const Next & b) { return a.sequence() < b.sequence(); };
    std::sort(all.begin(), all.end(), by_sequence);
    int32_t n = 0;
    for (const Next & next : all) {
        coblyn_row & row   = *next.row;
        steps.tokens[n]    = row.drawn[row.n_drawn - 1].token;
        steps.positions[n] = (next.is_guide ? row.guide_position : row.position) + row.n_drawn - 1;
        steps.sequences[n] = next.sequence();
        steps.outputs[n]   = 1;
        (next.is_guide ? row.guide_output : row.output) = n++;
    }
    steps.n_tokens = n;
}

}  // namespace

int32_t coblyn_run(llama_context * ctx, coblyn_steps * steps) {
    const auto start      = Clock::now();
    auto       step_start = start;
    steps->n_done         = 0;
    steps->decode_seconds = 0;
    for (int32_t i = 0; i < steps->n_rows; ++i) {
        steps->rows[i].n_drawn = 0;
    }
    while (true) {
        if (const int32_t code = decode(ctx, *steps)) {
            return code;
        }
        if (const int32_t missing = coblyn_sample(ctx, steps->tokens, steps->rows, steps->n_rows)) {
            return COBLYN_NO_LOGITS - missing;
        }
        ++steps->n_done;
        const auto now = Clock::now();
        // The next step is expected to take as long as this one.
        const bool is_late = seconds(now - start) + seconds(now - step_start) > steps->max_seconds;
        if (is_late || is_interrupted(*steps) || !has_room(*steps) || !go_on(ctx, *steps)) {
            return 0;
        }
        follow(*steps);
        step_start = now;
    }
}
