#include "coblyn.h"

#include "llama-ext.h"
#include "llama.h"

#include <algorithm>
#include <exception>
#include <vector>

namespace {

constexpr int32_t threw = -100;

// A part of the states of `n` tokens: `from` has a row of `width` numbers for each.
void append_part(coblyn_states & states, const float * from, int32_t n, int32_t width, int32_t place) {
    float * to = states.values + (size_t) states.n * states.width + place;
    for (int32_t i = 0; i < n; ++i) {
        std::copy_n(from + (size_t) i * width, width, to + (size_t) i * states.width);
    }
}

}  // namespace

void coblyn_keep_states(llama_context * ctx, int32_t only_outputs) {
    llama_set_embeddings_nextn(ctx, true, only_outputs != 0);
}

const float * coblyn_state(llama_context * ctx, int32_t index) {
    return llama_get_embeddings_nextn_ith(ctx, index);
}

void coblyn_keep_inputs(llama_context * ctx, const int32_t * layers, int32_t n_layers) {
    for (int32_t i = 0; i < n_layers; ++i) {
        llama_set_embeddings_layer_inp(ctx, (uint32_t) layers[i], true);
    }
}

int32_t coblyn_encode_inputs(llama_context * ctx, int32_t n_rows, const float * inputs, int32_t width, float * states) {
    std::vector<int8_t> outputs(n_rows, 1);
    llama_batch         batch{};
    batch.n_tokens = n_rows;
    batch.embd     = const_cast<float *>(inputs);
    batch.logits   = outputs.data();
    try {
        if (const int32_t code = llama_encode(ctx, batch)) {
            return code;
        }
    } catch (const std::exception &) {
        return threw;
    }
    const float * found = llama_get_embeddings_nextn(ctx);
    if (!found) {
        return threw;
    }
    std::copy_n(found, (size_t) n_rows * width, states);
    return 0;
}

void coblyn_append_states(llama_context * ctx, coblyn_steps * steps) {
    coblyn_states & states = *steps->states;
    const int32_t   n      = std::min(steps->n_tokens, states.capacity - states.n);
    if (n <= 0) {
        return;
    }
    if (states.n_layers == 0) {
        const float * values = llama_get_embeddings_nextn(ctx);
        if (!values) {
            return;
        }
        append_part(states, values, n, states.width, 0);
    }
    const int32_t width = states.n_layers > 0 ? states.width / states.n_layers : 0;
    for (int32_t i = 0; i < states.n_layers; ++i) {
        append_part(states, llama_get_embeddings_layer_inp(ctx, (uint32_t) states.layers[i]), n, width, i * width);
    }
    std::copy_n(steps->tokens, n, states.tokens + states.n);
    std::copy_n(steps->positions, n, states.positions + states.n);
    std::copy_n(steps->sequences, n, states.sequences + states.n);
    states.n += n;
}
