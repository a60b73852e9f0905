#include "coblyn.h"

#include "llama.h"

#include <algorithm>
#include <chrono>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace

int32_t coblyn_bare_loop(llama_context * ctx, int32_t n_prompt, int32_t n_batch, int32_t n_generate,
                         double * prompt_seconds, double * generate_seconds) {
    const llama_vocab * vocab   = llama_model_get_vocab(llama_get_model(ctx));
    const int32_t       n_vocab = llama_vocab_n_tokens(vocab);
    std::vector<llama_token> tokens(n_prompt);
    for (int32_t i = 0; i < n_prompt; ++i) {
        tokens[i] = (llama_token) ((i * 7919LL + 13) % n_vocab);
    }

    auto start = Clock::now();
    for (int32_t i = 0; i < n_prompt; i += n_batch) {
        const int32_t code = llama_decode(ctx, llama_batch_get_one(tokens.data() + i, std::min(n_batch, n_prompt - i)));
        if (code != 0) {
            return code;
        }
    }
    llama_synchronize(ctx);
    *prompt_seconds = seconds_since(start);

    start             = Clock::now();
    llama_token token = 1;
    for (int32_t i = 0; i < n_generate; ++i) {
        const int32_t code = llama_decode(ctx, llama_batch_get_one(&token, 1));
        if (code != 0) {
            return code;
        }
        llama_synchronize(ctx);
        token = (llama_token) ((token * 31LL + 7) % n_vocab);
    }
    *generate_seconds = seconds_since(start);
    return 0;
}
