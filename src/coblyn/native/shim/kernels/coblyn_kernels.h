// The C interface of Coblyn's CPU kernels.
//
// It takes over matrix products and attention from the CPU backend and runs them on ggml's own threads; whatever it does not
// take is computed as before. Installing requires only a registered CPU backend; models may be loaded already.
//
// A type is ggml's number of a weight type (ggml_type). A batch is the number of activation rows of one product:
// the tokens of a step, or, in a mixture of experts, their mean per expert.

#pragma once

#include <stdint.h>

#if defined(_WIN32)
#define COBLYN_KERNELS_API __declspec(dllexport)
#else
#define COBLYN_KERNELS_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

enum coblyn_kernels_status {
    COBLYN_KERNELS_READY       = 0,
    COBLYN_KERNELS_NO_CPU      = 1,  // no CPU backend is registered
    COBLYN_KERNELS_NO_HOOK     = 2,  // the CPU backend has no repacking buffer type, which the hook needs
    COBLYN_KERNELS_NO_CODE     = 3,  // nothing faster than ggml's code for this processor
    COBLYN_KERNELS_SELF_CHECK  = 4,  // a product of our own was wrong or did not pass through the hook: not installed
};

// Take products over from now on. Not while a graph is computed. A second call has no effect.
COBLYN_KERNELS_API int32_t coblyn_kernels_install(void);
// Return them to ggml.
COBLYN_KERNELS_API void coblyn_kernels_remove(void);
// Whether it is installed.
COBLYN_KERNELS_API int32_t coblyn_kernels_is_installed(void);

// The instruction set in use, as a phrase; of those that this machine can run, number `index`, best first;
// nullptr past the end.
COBLYN_KERNELS_API const char * coblyn_kernels_isa(void);
COBLYN_KERNELS_API const char * coblyn_kernels_isa_at(int32_t index);
// Use another one. Returns 0 if this machine cannot run it. Not while a graph is computed.
COBLYN_KERNELS_API int32_t coblyn_kernels_use_isa(const char * name);

// The smallest batch of a type that is taken over; 0: none (type not supported, switched off, or ggml's code is as fast).
COBLYN_KERNELS_API int32_t coblyn_kernels_min_batch(int32_t type);
// Change it (<= 0: off). Not while a graph is computed.
COBLYN_KERNELS_API void coblyn_kernels_set_min_batch(int32_t type, int32_t batch);

// Whether products of a type, in batches, use tiles (AMX): if the instruction set in use has them and they are not forbidden.
COBLYN_KERNELS_API int32_t coblyn_kernels_uses_tiles(int32_t type);
// Forbid or allow it. Not while a graph is computed.
COBLYN_KERNELS_API void coblyn_kernels_set_tiles(int32_t type, int32_t may);

// The maximum number of activation rows whose products are taken over by code that reads weights in place, whatever the
// smallest batch is: at most 4; 0: none, as after an instruction set is chosen.
COBLYN_KERNELS_API int32_t coblyn_kernels_max_few(int32_t type);
// Change it. Not while a graph is computed.
COBLYN_KERNELS_API void coblyn_kernels_set_max_few(int32_t type, int32_t rows);

// The same for attention: the minimum number of tokens (above one) of a sequence in a step that is taken over, and whether a
// single token is.
COBLYN_KERNELS_API int32_t coblyn_kernels_min_tokens(void);
COBLYN_KERNELS_API void coblyn_kernels_set_min_tokens(int32_t tokens);
COBLYN_KERNELS_API int32_t coblyn_kernels_single(void);
COBLYN_KERNELS_API void coblyn_kernels_set_single(int32_t is_taken);

// How many operations were taken over since the library was loaded: evidence that it works.
COBLYN_KERNELS_API uint64_t coblyn_kernels_taken(void);

// Measure one product of a (n x k) weight matrix with m activation rows on `n_threads` threads of the CPU backend,
// with ggml's code and with ours in turn, for about `seconds`. The weights lie where a model loader would put them.
// Returns ggml's time divided by ours (the best of each; > 1: ours is faster), or 0 if it cannot be measured: type or
// shape not supported (k must be a multiple of the type's block), not installed, or no memory.
COBLYN_KERNELS_API double coblyn_kernels_measure(int32_t type, int32_t n, int32_t k, int32_t m, int32_t n_threads,
                                             double seconds);

// Find the smallest batch from which ours is faster for such a matrix, by measuring at 256, 128, ... 2 tokens for about
// `seconds` each, until ggml's is as fast. Returns it, or 0 if ours is not faster at 256. Changes no setting.
COBLYN_KERNELS_API int32_t coblyn_kernels_find_batch(int32_t type, int32_t n, int32_t k, int32_t n_threads, double seconds);

// Whether tiles are faster than vectors for such a matrix and 128 tokens, measured for about `seconds`; 0 without tiles.
// Changes no setting.
COBLYN_KERNELS_API int32_t coblyn_kernels_find_tiles(int32_t type, int32_t n, int32_t k, int32_t n_threads, double seconds);

// Find the maximum number of activation rows for which such code is faster, measuring each for about `seconds` over copies of
// the matrix that exceed every cache, 96 MB in all. Returns 0, 1, 2 or 4. Changes no setting.
COBLYN_KERNELS_API int32_t coblyn_kernels_find_few(int32_t type, int32_t n, int32_t k, int32_t n_threads, double seconds);

// The same for attention of some tokens over the given number of cells of a KV cache of a type (both keys and values), with
// heads of `length` numbers, of which heads / key_heads share keys.
COBLYN_KERNELS_API double coblyn_kernels_measure_attention(int32_t type, int32_t length, int32_t heads, int32_t key_heads,
                                                       int32_t cells, int32_t tokens, int32_t n_threads, double seconds);
COBLYN_KERNELS_API int32_t coblyn_kernels_find_tokens(int32_t type, int32_t length, int32_t heads, int32_t key_heads,
                                                  int32_t cells, int32_t n_threads, double seconds);

// The interquartile range of the turns of a comparison, as a fraction of the median; the widest of all comparisons since the
// last call. Small on a quiet machine. Negative if one was stopped: its measurements then mean nothing.
COBLYN_KERNELS_API double coblyn_kernels_take_spread(void);

// Stop measuring, within a turn of about a millisecond or one product, as soon as another thread writes a non-zero value
// there; nullptr: never.
COBLYN_KERNELS_API void coblyn_kernels_watch(const int32_t * stop);

// Adapters (LoRA) of which each row of a step has its own. One object for a context that has all of them set, each with the
// scale 1; nullptr if the hook is not installed.
typedef struct coblyn_rows coblyn_rows;

COBLYN_KERNELS_API coblyn_rows * coblyn_rows_new(void);
// Not while a graph with these adapters is computed; nor for what follows but `take`.
COBLYN_KERNELS_API void coblyn_rows_free(coblyn_rows * rows);
// Give an adapter (llama_adapter_lora) a number, from 0 on. Returns its matrices.
COBLYN_KERNELS_API int32_t coblyn_rows_add(coblyn_rows * rows, const void * adapter, int32_t number);
// How strongly each adapter works from now on: on each of `n_rows` rows, in the order in which they are computed, of which
// each step has exactly so many and draws from all; on all rows alike (n_rows = 0); or as the context has it (n_rows = -1).
// `scales` has, for one adapter after the other, a number for each row, or one.
COBLYN_KERNELS_API void coblyn_rows_set(coblyn_rows * rows, int32_t n_adapters, int32_t n_rows, const float * scales);
// Scalings that were taken over since the last call; -1 if one had a form that is not known here, and was not.
COBLYN_KERNELS_API int32_t coblyn_rows_take(coblyn_rows * rows);

#ifdef __cplusplus
}
#endif
