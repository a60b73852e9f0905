// The C interface of Coblyn's shim: what Python cannot do fast enough, or cannot survive.
//
// Plain C types only. Every function is called from one thread at a time for a given context or sampler.

#pragma once

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#define COBLYN_API __declspec(dllexport)
#else
#define COBLYN_API __attribute__((visibility("default")))
#endif

struct llama_context;
struct llama_model;
struct llama_vocab;

#ifdef __cplusplus
extern "C" {
#endif

// abi.cpp (generated): sizes and offsets of every structure that crosses the border, as text.
COBLYN_API const char * coblyn_abi(void);

// log.cpp: keeps the library's last log lines, so that no Python code runs on foreign threads.

// Take over the logs of llama.cpp and ggml.
COBLYN_API void coblyn_log_install(void);
// Copy the oldest line that waits into `buffer` (NUL-ended, cut to `size`) and forget it.
// Returns its level (ggml_log_level: 1 debug, 2 info, 3 warning, 4 error), or 0 when none waits.
COBLYN_API int32_t coblyn_log_take(char * buffer, size_t size);

// memory.cpp: large memory of the CPU backend is zero without being written.

// From now on ggml's large CPU buffers are fresh pages of the operating system, and clearing them renews the pages.
// Before the first model is loaded; a second call changes nothing.
COBLYN_API void coblyn_memory_install(void);

// crash.cpp: a process that dies of an instruction says which one.

// From now on a fatal signal (or Windows exception) writes one line to standard error before it does what it did before:
// "coblyn-crash signal=SIGILL address=0x7f00 offset=0x1000 code=c5fd6fc1 library=/path/lib.so" (src/coblyn/crash.py).
// For the whole process, which should be one of our own. A second call changes nothing. Returns 1, or 0 when the system
// refused a handler.
COBLYN_API int32_t coblyn_crash_install(void);

// guard.cpp: calls that may throw. An exception that crossed into Python would end the process.

// Like llama_decode over tokens only. Arrays have `n_tokens` entries; a token belongs to one sequence.
// Returns llama_decode's code, or -100 when it threw.
COBLYN_API int32_t coblyn_decode(struct llama_context * ctx, int32_t n_tokens, const int32_t * tokens,
                                 const int32_t * positions, const int32_t * sequences, const int8_t * outputs);

// sample.cpp: draws the next token for all rows of a step in one call.

struct coblyn_sampler;

#include "stage_kinds.inc"  // enum coblyn_stage_kind, COBLYN_STAGE_VALUES

struct coblyn_stage {
    int32_t kind;
    double  values[COBLYN_STAGE_VALUES];
};

// Everything is copied.
struct coblyn_sampler_params {
    uint64_t seed;
    int32_t  n_logprobs;                // < 0: none; else number of alternatives
    int32_t  logprobs_after;            // not 0: of the candidates that are drawn from, not in the model's distribution
    int32_t  n_bias;                    // entries of the next two
    const int32_t * bias_tokens;
    const float   * bias_values;
    int32_t  n_stages;                  // in the order in which they are applied, after the bias
    int32_t  n_breakers;                // of DRY: token sequences
    const struct coblyn_stage * stages;
    const int32_t * breaker_lengths;
    const int32_t * breaker_tokens;     // one sequence after the other
};

COBLYN_API struct coblyn_sampler * coblyn_sampler_new(const struct coblyn_sampler_params * params, int32_t n_vocab,
                                                      const int32_t * history, int32_t n_history);
COBLYN_API void coblyn_sampler_free(struct coblyn_sampler * sampler);

// Remember tokens that were not drawn: the text goes on behind them. What a sampler has learned from drawing stays.
COBLYN_API void coblyn_sampler_accept(struct coblyn_sampler * sampler, const int32_t * tokens, int32_t n_tokens);

// The candidates for the next token after the first `n_stages` stages, best first, without drawing one. Up to `capacity`
// are written; returns how many there are, or one of the two below.
COBLYN_API int32_t coblyn_candidates(struct coblyn_sampler * sampler, const float * logits, int32_t n_stages,
                                     int32_t capacity, int32_t * tokens, float * values);

// What stands for a token where there is none: everything is forbidden, or the model's numbers are none (NaN, infinite).
#define COBLYN_ALL_FORBIDDEN (-1)
#define COBLYN_NO_NUMBERS (-2)

// A token that was drawn.
struct coblyn_drawn {
    int32_t   token;
    float     logprob;       // when asked for: of the token, in the model's own distribution or among the candidates
    int32_t   n_top;         // entries of the two arrays below that were filled
    int32_t * top_tokens;    // in: room for n_logprobs entries, or NULL
    float *   top_logprobs;
};

// One row of a step: what is drawn behind a sequence's known tokens. In the batch these may be followed by drafts, which are
// guesses: the next token is drawn from the logits of each as long as what was drawn before is what was guessed.
struct coblyn_row {
    struct coblyn_sampler * sampler;
    const float *    logits;    // n_vocab floats that the first token is drawn from; NULL for those of `output`
    float *          keep;      // if not NULL, the raw logits of the first token are copied there
    const uint32_t * mask;      // a bit for each token, lowest first: only tokens with theirs set are drawn; NULL for all.
                                // One mask for each draft, and one more
    int32_t output;             // index in the batch of the last known token
    int32_t n_drafts;           // tokens of the batch behind it that are guesses
    int32_t sequence;
    int32_t position;           // where the first token that is drawn goes
    int32_t max_drawn;          // 0: nothing is drawn, only kept; more than 1 + n_drafts: further steps are wanted
    int32_t n_drawn;            // out
    struct coblyn_drawn * drawn;  // room for max_drawn
};

// Sample all rows, behind what each has drawn so far, and let every sampler remember its tokens. `tokens` is the batch.
// Returns 0, or i + 1 when row i has no logits.
int32_t coblyn_sample(struct llama_context * ctx, const int32_t * tokens, struct coblyn_row * rows, int32_t n_rows);

// The random number in [0, 1) that decides the token at `position`.
COBLYN_API double coblyn_random(uint64_t seed, uint64_t position);

// steps.cpp: decode and sample, once or several times in a row.

#define COBLYN_NO_LOGITS (-1000)

// A batch as for coblyn_decode (`n_tokens` may be 0: then nothing is decoded), and the rows to sample from it.
struct coblyn_steps {
    int32_t n_tokens;
    int32_t n_rows;
    int32_t n_done;            // out: steps
    int32_t is_interrupted;    // when not 0, no further step begins; any thread may set it at any time
    double  max_seconds;       // a further step begins only if it will end by then
    double  decode_seconds;    // out: the part of the time that was llama_decode's
    int32_t * tokens;          // these four are changed by further steps
    int32_t * positions;
    int32_t * sequences;
    int8_t *  outputs;
    struct coblyn_row * rows;
};

// Run a step, and further ones, which compute what was drawn, as long as every row that draws wants more. None follows one in
// which a row drew an end token or none, or had drafts. Returns 0, coblyn_decode's code, or COBLYN_NO_LOGITS - 1 - i when
// row i has no logits.
COBLYN_API int32_t coblyn_run(struct llama_context * ctx, struct coblyn_steps * steps);

// loop.cpp: the bare loop that speed is measured against.

// Decode `n_prompt` tokens in batches of at most `n_batch`, then `n_generate` tokens one by one, on sequence 0 of an
// empty memory. Writes the seconds of both parts. Returns 0, or llama_decode's code.
COBLYN_API int32_t coblyn_bare_loop(struct llama_context * ctx, int32_t n_prompt, int32_t n_batch, int32_t n_generate,
                                    double * prompt_seconds, double * generate_seconds);

#ifdef __cplusplus
}
#endif
