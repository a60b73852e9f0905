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

// Wider gaps are not filled: computing that many tokens more takes as long as reading the weights once more.
constexpr int32_t max_gap = 2;

// Whether a token can be added to sequences that hold something, and removed again with no trace: a recurrent state cannot be
// rewound, a sliding window may lose its beginning, and where images take fewer positions than cells the room is unknown.
bool are_extendable(llama_context * ctx) {
    const llama_model *   model = llama_get_model(ctx);
    const llama_rope_type rope  = llama_model_rope_type(model);
    return rope != LLAMA_ROPE_TYPE_MROPE && rope != LLAMA_ROPE_TYPE_IMROPE && llama_model_n_swa(model) == 0 &&
           !llama_model_is_recurrent(model) && !llama_model_is_hybrid(model);
}

// Where sequences have cells of their own, the library cuts a batch wherever ids do not follow each other, and then reads all
// weights once for each part. A token of the sequence in the gap costs less. Finds where such tokens can stand.
void find_fillers(llama_context * ctx, coblyn_steps & steps) {
    const int32_t end = are_extendable(ctx) ? (int32_t) llama_n_ctx_seq(ctx) : 1;
    steps.n_fillers   = 0;
    // What is added would be among the states that are kept of all tokens.
    for (int32_t i = 1; i < steps.n_tokens && !steps.states; ++i) {
        const int32_t first = steps.sequences[i - 1] + 1, n = steps.sequences[i] - first;
        if (n <= 0 || n > max_gap || steps.n_fillers + n > COBLYN_MAX_FILLERS ||
            steps.n_tokens + steps.n_fillers + n > steps.max_tokens) {
            continue;
        }
        bool have_room = true;
        for (int32_t j = 0; j < n; ++j) {
            const int32_t position = llama_memory_seq_pos_max(llama_get_memory(ctx), first + j) + 1;
            steps.fillers[steps.n_fillers + j] = { first + j, position };
            have_room                          = have_room && position < end;
        }
        steps.n_fillers += have_room ? n : 0;
    }
}

// Puts a token of each filler in its place; the tokens are in the order of their sequences.
void fill_gaps(coblyn_steps & steps) {
    int32_t from = steps.n_tokens - 1;
    steps.n_tokens += steps.n_fillers;
    for (int32_t filler = steps.n_fillers - 1, to = steps.n_tokens - 1; filler >= 0; --to) {
        if (steps.sequences[from] > steps.fillers[filler].sequence) {
            steps.tokens[to]    = steps.tokens[from];
            steps.positions[to] = steps.positions[from];
            steps.sequences[to] = steps.sequences[from];
            steps.outputs[to]   = steps.outputs[from--];
        } else {
            steps.tokens[to]    = 0;
            steps.positions[to] = steps.fillers[filler].position;
            steps.sequences[to] = steps.fillers[filler--].sequence;
            steps.outputs[to]   = 0;
        }
    }
}

// Where a token of a sequence stands, now that the gaps are filled.
int32_t after_fillers(const coblyn_steps & steps, int32_t output, int32_t sequence) {
    const auto is_before = [sequence](const coblyn_filler & filler) { return filler.sequence < sequence; };
    return output + (int32_t) std::count_if(steps.fillers, steps.fillers + steps.n_fillers, is_before);
}

void move_outputs(coblyn_steps & steps) {
    for (int32_t i = 0; steps.n_fillers > 0 && i < steps.n_rows; ++i) {
        coblyn_row & row = steps.rows[i];
        row.output       = after_fillers(steps, row.output, row.sequence);
        row.guide_output = after_fillers(steps, row.guide_output, row.guide_sequence);
    }
}

int32_t decode(llama_context * ctx, coblyn_steps & steps) {
    if (steps.n_tokens == 0) {
        return 0;
    }
    const auto start = Clock::now();
    find_fillers(ctx, steps);
    fill_gaps(steps);
    const int32_t code =
        coblyn_decode(ctx, steps.n_tokens, steps.tokens, steps.positions, steps.sequences, steps.outputs);
    if (code == 0 && steps.states) {
        coblyn_append_states(ctx, &steps);
    }
    for (int32_t i = 0; i < steps.n_fillers; ++i) {
        llama_memory_seq_rm(llama_get_memory(ctx), steps.fillers[i].sequence, steps.fillers[i].position, -1);
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
        move_outputs(*steps);
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
