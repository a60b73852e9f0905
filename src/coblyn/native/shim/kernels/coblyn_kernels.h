// The C interface of Coblyn's CPU kernels.
//
// It takes matrix products and attention of the CPU backend over and runs them on ggml's own threads; whatever it does not take
// goes on as before. Installing needs nothing but a registered CPU backend; models may be loaded already.
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
    COBLYN_KERNELS_SELF_CHECK  = 4,  // a product of its own went wrong or did not pass through the hook: not installed
};

// Take products over from now on. Not while a graph is computed. Calling it again does nothing.
COBLYN_KERNELS_API int32_t coblyn_kernels_install(void);
// Give them back.
COBLYN_KERNELS_API void coblyn_kernels_remove(void);
// Whether it is installed.
COBLYN_KERNELS_API int32_t coblyn_kernels_is_installed(void);

// The instruction set in use, as a phrase; of those that this machine can run, number `index` with the best first;
// nullptr past the end.
COBLYN_KERNELS_API const char * coblyn_kernels_isa(void);
COBLYN_KERNELS_API const char * coblyn_kernels_isa_at(int32_t index);
// Use another one. Returns 0 if this machine cannot run it. Not while a graph is computed.
COBLYN_KERNELS_API int32_t coblyn_kernels_use_isa(const char * name);

// The smallest batch of a type that is taken; 0: none is (type not supported, switched off, or ggml's code is as fast).
COBLYN_KERNELS_API int32_t coblyn_kernels_min_batch(int32_t type);
// Change it (<= 0: off). Not while a graph is computed.
COBLYN_KERNELS_API void coblyn_kernels_set_min_batch(int32_t type, int32_t batch);

// Whether products of a type, in batches, use tiles (AMX): where the instruction set in use has some, until it is forbidden.
COBLYN_KERNELS_API int32_t coblyn_kernels_uses_tiles(int32_t type);
// Forbid or allow it. Not while a graph is computed.
COBLYN_KERNELS_API void coblyn_kernels_set_tiles(int32_t type, int32_t may);

// Up to how many rows of activations products are taken by code of their own, which reads weights as they lie, whatever the
// smallest batch is: 4 at most; 0: none are, as after an instruction set is chosen.
COBLYN_KERNELS_API int32_t coblyn_kernels_max_few(int32_t type);
// Change it. Not while a graph is computed.
COBLYN_KERNELS_API void coblyn_kernels_set_max_few(int32_t type, int32_t rows);

// The same of attention: the fewest tokens of a sequence in a step that are taken, of more than one; and whether a single
// one is.
COBLYN_KERNELS_API int32_t coblyn_kernels_min_tokens(void);
COBLYN_KERNELS_API void coblyn_kernels_set_min_tokens(int32_t tokens);
COBLYN_KERNELS_API int32_t coblyn_kernels_single(void);
COBLYN_KERNELS_API void coblyn_kernels_set_single(int32_t is_taken);

// How many operations were taken since the library was loaded: proof that it works.
COBLYN_KERNELS_API uint64_t coblyn_kernels_taken(void);

// Measure one product of a (n x k) weight matrix with m activation rows on `n_threads` threads of the CPU backend,
// with ggml's code and with ours in turn, for about `seconds`. The weights lie where a model loader would put them.
// Returns ggml's time divided by ours (the best of each; > 1: ours is faster), or 0 when it cannot be measured: type or
// shape not supported (k must be a multiple of the type's block), not installed, or no memory.
COBLYN_KERNELS_API double coblyn_kernels_measure(int32_t type, int32_t n, int32_t k, int32_t m, int32_t n_threads,
                                             double seconds);

// Find the smallest batch from which on ours wins for such a matrix, by measuring at 256, 128, ... 2 tokens for about
// `seconds` each, until ggml's is as fast. Returns it, or 0 if ours does not win at 256. Changes no setting.
COBLYN_KERNELS_API int32_t coblyn_kernels_find_batch(int32_t type, int32_t n, int32_t k, int32_t n_threads, double seconds);

// Whether tiles are faster than vectors for such a matrix and 128 tokens, measured for about `seconds`; 0 where there are none.
// Changes no setting.
COBLYN_KERNELS_API int32_t coblyn_kernels_find_tiles(int32_t type, int32_t n, int32_t k, int32_t n_threads, double seconds);

// Find up to how many rows of activations such code wins, measuring each count for about `seconds` over copies of the
// matrix that no cache holds, 96 MB in all. Returns 0, 1, 2 or 4. Changes no setting.
COBLYN_KERNELS_API int32_t coblyn_kernels_find_few(int32_t type, int32_t n, int32_t k, int32_t n_threads, double seconds);

// The same for attention of some tokens over so many cells of a KV cache of a type (both keys and values), with heads of
// `length` numbers, of which heads / key_heads share keys.
COBLYN_KERNELS_API double coblyn_kernels_measure_attention(int32_t type, int32_t length, int32_t heads, int32_t key_heads,
                                                       int32_t cells, int32_t tokens, int32_t n_threads, double seconds);
COBLYN_KERNELS_API int32_t coblyn_kernels_find_tokens(int32_t type, int32_t length, int32_t heads, int32_t key_heads,
                                                  int32_t cells, int32_t n_threads, double seconds);

// How far the turns of a comparison were apart, half of them, as a part of the median; the widest of all comparisons since
// this was last called. Little on a quiet machine. Negative if one was stopped: what was measured then says nothing.
COBLYN_KERNELS_API double coblyn_kernels_take_spread(void);

// Stop measuring, within a turn of about a millisecond or one product, as soon as a thread writes anything but 0 there;
// nullptr: never.
COBLYN_KERNELS_API void coblyn_kernels_watch(const int32_t * stop);

#ifdef __cplusplus
}
#endif
