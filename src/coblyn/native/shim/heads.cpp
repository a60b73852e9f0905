#include "coblyn.h"

#include "llama-ext.h"
#include "llama.h"

#include <algorithm>

void coblyn_keep_states(llama_context * ctx, int32_t only_outputs) {
    llama_set_embeddings_nextn(ctx, true, only_outputs != 0);
}

const float * coblyn_state(llama_context * ctx, int32_t index) {
    return llama_get_embeddings_nextn_ith(ctx, index);
}

void coblyn_append_states(llama_context * ctx, coblyn_steps * steps) {
    coblyn_states & states = *steps->states;
    const float *   values = llama_get_embeddings_nextn(ctx);
    const int32_t   n      = std::min(steps->n_tokens, states.capacity - states.n);
    if (!values || n <= 0) {
        return;
    }
    std::copy_n(steps->tokens, n, states.tokens + states.n);
    std::copy_n(steps->positions, n, states.positions + states.n);
    std::copy_n(steps->sequences, n, states.sequences + states.n);
    std::copy_n(values, (size_t) n * states.width, states.values + (size_t) states.n * states.width);
    states.n += n;
}
