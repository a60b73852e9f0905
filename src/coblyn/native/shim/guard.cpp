#include "coblyn.h"

#include "ggml.h"
#include "llama.h"

#include <exception>
#include <string>
#include <vector>

namespace {

constexpr int32_t threw = -100;

}  // namespace

int32_t coblyn_decode(llama_context * ctx, int32_t n_tokens, const int32_t * tokens, const int32_t * positions,
                      const int32_t * sequences, const int8_t * outputs) {
    return coblyn_decode_heads(ctx, n_tokens, tokens, positions, sequences, outputs, nullptr);
}

int32_t coblyn_decode_heads(llama_context * ctx, int32_t n_tokens, const int32_t * tokens, const int32_t * positions,
                            const int32_t * sequences, const int8_t * outputs, const float * states) {
    // llama_batch wants one pointer and one count per token; they are kept between steps because a step has to be cheap.
    static thread_local std::vector<int32_t>        counts;
    static thread_local std::vector<llama_seq_id *> pointers;
    if (counts.size() < (size_t) n_tokens) {
        counts.assign(n_tokens, 1);
        pointers.resize(n_tokens);
    }
    for (int32_t i = 0; i < n_tokens; ++i) {
        pointers[i] = const_cast<llama_seq_id *>(sequences + i);
    }
    llama_batch batch{};
    batch.n_tokens = n_tokens;
    batch.token    = const_cast<llama_token *>(tokens);
    batch.embd     = const_cast<float *>(states);
    batch.pos      = const_cast<llama_pos *>(positions);
    batch.n_seq_id = counts.data();
    batch.seq_id   = pointers.data();
    batch.logits   = const_cast<int8_t *>(outputs);
    try {
        return llama_decode(ctx, batch);
    } catch (const std::exception &) {
        return threw;
    }
}

int32_t coblyn_decode_media(llama_context * ctx, int32_t n_cells, const float * embeddings, const int32_t * positions,
                            int32_t sequence, int32_t output, int32_t is_whole) {
    std::vector<int32_t>        counts(n_cells, 1);
    std::vector<llama_seq_id *> pointers(n_cells, &sequence);
    std::vector<int8_t>         outputs(n_cells, 0);
    outputs.back() = output != 0;
    llama_batch batch{};
    batch.n_tokens = n_cells;
    batch.embd     = const_cast<float *>(embeddings);
    batch.pos      = const_cast<llama_pos *>(positions);
    batch.n_seq_id = counts.data();
    batch.seq_id   = pointers.data();
    batch.logits   = outputs.data();
    int32_t code   = threw;
    try {
        llama_set_causal_attn(ctx, !is_whole);
        code = llama_decode(ctx, batch);
    } catch (const std::exception &) {
    }
    llama_set_causal_attn(ctx, true);
    return code;
}
