#include "coblyn.h"

#include "llama-ext.h"

#include <exception>

int32_t coblyn_memory_uses(const llama_context * ctx, coblyn_memory_use * uses, int32_t capacity) {
    try {
        int32_t n_uses = 0;
        for (const auto & [type, bytes] : llama_get_memory_breakdown(ctx)) {
            if (n_uses < capacity) {
                uses[n_uses] = { type, bytes.model, bytes.context, bytes.compute };
            }
            ++n_uses;
        }
        return n_uses;
    } catch (const std::exception &) {
        return -1;
    }
}
