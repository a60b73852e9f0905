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

// log.cpp: keeps the library's last log lines, so that no Python code runs on threads it did not create.

// Take over the logs of llama.cpp and ggml.
COBLYN_API void coblyn_log_install(void);
// The callback (ggml_log_callback) that does this, for libraries with a log of their own.
COBLYN_API void * coblyn_log_receiver(void);
// Copy the oldest waiting line into `buffer` (NUL-terminated, cut to `size`) and remove it from the queue.
// Returns its level (ggml_log_level: 1 debug, 2 info, 3 warning, 4 error), or 0 when no line is waiting.
COBLYN_API int32_t coblyn_log_take(char * buffer, size_t size);

// memory.cpp: large buffers of the CPU backend are zero without being written.

// From now on, ggml's large CPU buffers are fresh pages of the operating system, and clearing them renews the pages.
// Call before the first model is loaded; a second call has no effect.
COBLYN_API void coblyn_memory_install(void);

// crash.cpp: a process killed by an instruction reports which one.

// From now on, a fatal signal (or Windows exception) writes one line to standard error before its previous action is taken:
// "coblyn-crash signal=SIGILL address=0x7f00 offset=0x1000 code=c5fd6fc1 library=/path/lib.so" (src/coblyn/crash.py).
// For the whole process, which should be ours alone. A second call has no effect. Returns 1, or 0 if the system
// refused a handler.
COBLYN_API int32_t coblyn_crash_install(void);

// fit.cpp: what a model and a context take.

// Bytes of one type of buffers.
struct coblyn_memory_use {
    void *   type;     // ggml_backend_buffer_type_t
    uint64_t weights;
    uint64_t context;  // KV memory, recurrent state
    uint64_t compute;
};

// Write up to `capacity` entries for a context and its model; they are those of a real one even if the model was loaded
// with `no_alloc`. Returns how many there are, or -1 when the library threw.
COBLYN_API int32_t coblyn_memory_uses(const struct llama_context * ctx, struct coblyn_memory_use * uses, int32_t capacity);

// guard.cpp: calls that may throw. An exception that reached Python would end the process.

// Like llama_decode, for tokens only. Arrays have `n_tokens` entries; each token belongs to one sequence.
// Returns llama_decode's code, or -100 when it threw.
COBLYN_API int32_t coblyn_decode(struct llama_context * ctx, int32_t n_tokens, const int32_t * tokens,
                                 const int32_t * positions, const int32_t * sequences, const int8_t * outputs);

// The same over what an encoder made of an image or a sound, all of it one sequence's: `embeddings` has the model's input width
// for each of `n_cells`, `positions` one array of `n_cells` for each part of a position. With `is_whole` every cell sees all
// others. Only the last one's logits are there afterwards, if `output` is not 0, at the index of that cell.
COBLYN_API int32_t coblyn_decode_media(struct llama_context * ctx, int32_t n_cells, const float * embeddings,
                                       const int32_t * positions, int32_t sequence, int32_t output, int32_t is_whole);

// heads.cpp: prediction heads, which guess the token after next from a state of the model and the next token. Those in a model's
// own file (MTP) take the state behind its last layer; those in a file of their own (EAGLE-3) what goes into some of its layers.

// From now on, the context keeps the state behind the last layer of each token that it decodes; with `only_outputs`, of those
// whose logits are wanted.
COBLYN_API void coblyn_keep_states(struct llama_context * ctx, int32_t only_outputs);

// From now on, the context keeps what goes into these layers, for each token that it decodes. Ends the process if the graph of
// the model's architecture does not name it.
COBLYN_API void coblyn_keep_inputs(struct llama_context * ctx, const int32_t * layers, int32_t n_layers);

// Turn what went into the layers of a model, `n_rows` rows, into as many states for a context of EAGLE-3 heads, `width` numbers
// each. Returns llama_encode's code, or -100 when it threw or left nothing.
COBLYN_API int32_t coblyn_encode_inputs(struct llama_context * ctx, int32_t n_rows, const float * inputs, int32_t width,
                                        float * states);

// Like coblyn_decode, for a context of heads: each token comes with the state of the token before it.
COBLYN_API int32_t coblyn_decode_heads(struct llama_context * ctx, int32_t n_tokens, const int32_t * tokens,
                                       const int32_t * positions, const int32_t * sequences, const int8_t * outputs,
                                       const float * states);

// The state of the token at an index of the last batch; NULL if it is not kept.
COBLYN_API const float * coblyn_state(struct llama_context * ctx, int32_t index);

// The tokens that were decoded, with their states.
struct coblyn_states {
    int32_t n;         // entries so far
    int32_t capacity;  // of the arrays
    int32_t width;     // of a state
    int32_t n_layers;  // 0: a state is the one behind the last layer; otherwise what went into these layers, one after the other
    const int32_t * layers;
    int32_t * tokens;
    int32_t * positions;
    int32_t * sequences;
    float *   values;
};

// sample.cpp: draws the next token for all rows of a step in one call.

struct coblyn_sampler;

#include "stage_kinds.inc"  // enum coblyn_stage_kind, COBLYN_STAGE_VALUES

struct coblyn_stage {
    int32_t kind;
    double  values[COBLYN_STAGE_VALUES];
};

// All of it is copied.
struct coblyn_sampler_params {
    uint64_t seed;
    int32_t  n_logprobs;                // < 0: none; otherwise the number of alternatives
    int32_t  logprobs_after;            // non-zero: of the candidates that are drawn from, not of the model's distribution
    int32_t  n_bias;                    // entries of the next two arrays
    const int32_t * bias_tokens;
    const float   * bias_values;
    int32_t  n_stages;                  // in the order in which they are applied, after the bias
    int32_t  n_breakers;                // of DRY: number of token sequences
    const struct coblyn_stage * stages;
    const int32_t * breaker_lengths;
    const int32_t * breaker_tokens;     // the sequences, concatenated
};

COBLYN_API struct coblyn_sampler * coblyn_sampler_new(const struct coblyn_sampler_params * params, int32_t n_vocab,
                                                      const int32_t * history, int32_t n_history);
COBLYN_API void coblyn_sampler_free(struct coblyn_sampler * sampler);

// Record tokens that were not drawn: the text continues after them. What a sampler has learned from drawing is kept.
COBLYN_API void coblyn_sampler_accept(struct coblyn_sampler * sampler, const int32_t * tokens, int32_t n_tokens);

// The candidates for the next token after the first `n_stages` stages, best first, without drawing one. Writes up to
// `capacity` of them; returns how many there are, or one of the two codes below.
COBLYN_API int32_t coblyn_candidates(struct coblyn_sampler * sampler, const float * logits, int32_t n_stages,
                                     int32_t capacity, int32_t * tokens, float * values);

// Stands in for a token where there is none: all tokens are forbidden, or the model's logits are unusable (NaN, infinite).
#define COBLYN_ALL_FORBIDDEN (-1)
#define COBLYN_NO_NUMBERS (-2)

// A token that was drawn.
struct coblyn_drawn {
    int32_t   token;
    float     logprob;       // if requested: of the token, in the model's own distribution or among the candidates
    int32_t   n_top;         // entries filled in the two arrays below
    int32_t * top_tokens;    // in: room for n_logprobs entries, or NULL
    float *   top_logprobs;
};

// One row of a step: what is drawn after the last known token of a sequence. In the batch it may be followed by drafts, which
// are guesses: the next token is drawn from the logits of each draft as long as the tokens drawn so far match the guesses.
struct coblyn_row {
    struct coblyn_sampler * sampler;
    const float *    logits;    // n_vocab floats that the first token is drawn from; NULL for those of `output`
    float *          keep;      // if not NULL, the raw logits of the first token are copied here
    const uint32_t * mask;      // one bit per token, lowest first: only tokens whose bit is set are drawn; NULL allows all
                                // One mask per draft, and one more
    int32_t output;             // index in the batch of the last known token
    int32_t n_drafts;           // tokens after it in the batch that are guesses
    int32_t sequence;
    int32_t position;           // where the first drawn token goes
    int32_t max_drawn;          // 0: nothing is drawn, only kept; more than 1 + n_drafts: further steps are wanted
    int32_t n_drawn;            // out
    struct coblyn_drawn * drawn;  // room for max_drawn
    // The same text behind another prompt, which it is guided away from; its logits are mixed into the row's before all else.
    // Without drafts, and alike in all steps. The last known token of it is in the batch as well, unless `guide_logits`.
    float            guide_scale;     // 1: there is none
    int32_t          guide_output;
    int32_t          guide_sequence;
    int32_t          guide_position;
    const float *    guide_logits;    // as `logits` and `keep` are for the row itself
    float *          guide_keep;
};

// to[i] = away[i] + scale * (to[i] - away[i]), within +-1e30. Where one of the two is minus infinity, to[i] stays as it is.
COBLYN_API void coblyn_guide(float * to, const float * away, float scale, int32_t n);

// Sample all rows, continuing after what each has drawn so far, and let every sampler record its tokens. `tokens` is the batch.
// Returns 0, or i + 1 when row i has no logits.
int32_t coblyn_sample(struct llama_context * ctx, const int32_t * tokens, struct coblyn_row * rows, int32_t n_rows);

// The random number in [0, 1) that decides the token at `position`.
COBLYN_API double coblyn_random(uint64_t seed, uint64_t position);

// steps.cpp: decode and sample, once or several times in succession.

#define COBLYN_NO_LOGITS (-1000)

// A token between those of a batch, in a sequence that is not in it.
struct coblyn_filler {
    int32_t sequence;
    int32_t position;
};

#define COBLYN_MAX_FILLERS 16

// A batch as for coblyn_decode (if `n_tokens` is 0, nothing is decoded), and the rows to sample from it, or from the batch
// before if nothing is decoded.
struct coblyn_steps {
    int32_t n_tokens;
    int32_t max_tokens;        // what the four arrays have room for; 0: gaps between the sequences are not filled
    int32_t n_rows;
    int32_t n_fillers;         // kept between runs: what stood in the gaps of the last batch, and was removed after it
    struct coblyn_filler fillers[COBLYN_MAX_FILLERS];
    int32_t n_done;            // out: steps
    int32_t is_interrupted;    // if non-zero, no further step begins; any thread may set it at any time
    double  max_seconds;       // a further step begins only if it is expected to end by then
    double  decode_seconds;    // out: the part of the time spent in llama_decode
    int32_t * tokens;          // these four are changed by further steps
    int32_t * positions;
    int32_t * sequences;
    int8_t *  outputs;
    struct coblyn_row * rows;
    struct coblyn_states * states;  // if not NULL, what is decoded is appended; a further step begins only if there is room
};

// Run a step, then further ones that compute what was drawn, as long as every row that draws wants more. No step follows one in
// which a row drew an end token or nothing, or had drafts. Returns 0, coblyn_decode's code, or COBLYN_NO_LOGITS - 1 - i when
// row i has no logits.
COBLYN_API int32_t coblyn_run(struct llama_context * ctx, struct coblyn_steps * steps);

// Append the batch of a step that was decoded (heads.cpp).
void coblyn_append_states(struct llama_context * ctx, struct coblyn_steps * steps);

// loop.cpp: the bare loop that speed is measured against.

// Decode `n_prompt` tokens in batches of at most `n_batch`, then `n_generate` tokens one by one, on sequence 0 of an
// empty memory. Writes the seconds of both parts. Returns 0, or llama_decode's code.
COBLYN_API int32_t coblyn_bare_loop(struct llama_context * ctx, int32_t n_prompt, int32_t n_batch, int32_t n_generate,
                                    double * prompt_seconds, double * generate_seconds);

#ifdef __cplusplus
}
#endif
