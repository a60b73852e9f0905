// What an instruction set offers: for each weight type a way to prepare activations, and a product.

#pragma once

#include <cstddef>
#include <cstdint>

namespace coblyn::kernels {

// A product of up to Kernel::rows rows of a weight matrix with any number of activation rows ("tokens").
struct Job {
    const uint8_t *       weights;         // the first row, or the first group of eight interleaved rows
    size_t                row_bytes;       // from one row to the next
    bool                  is_interleaved;  // eight rows in one block, as ggml repacks them
    int                   rows;            // 1..Kernel::rows; a multiple of 8 if interleaved
    int64_t               length;          // values of a row
    const void * const *  acts;            // one prepared row per token
    float * const *       outs;            // where the token's results for these rows go
    int                   tokens;
    void *                scratch;         // Kernel::scratch bytes, aligned to 64
    size_t                ahead;           // how far ahead of its reads a kernel for few tokens prefetches, in bytes
};

struct Kernel {
    int    rows;     // weight rows in a panel; 0: this type is not supported
    size_t slab;     // bytes of 32 prepared activations; 0: activations are taken as the floats they are
    size_t scratch;  // bytes of working memory per thread
    int    multiple; // number of values of a row must be a multiple of this
    bool   reads_interleaved;

    void (*prepare)(const float * from, int64_t length, void * to);
    void (*product)(const Job & job);

    int  piece  = 256;    // values that are prepared together; the last piece of a row may be shorter, and takes as much room
    bool is_few = false;  // weights are read once, not unpacked first; a job's number of rows is a multiple of `rows`
};

// Keys or values of one head.
struct AttentionCells {
    const char * at;      // of the first cell
    size_t       bytes;   // from one cell to the next
    size_t       size;    // of a cell's numbers; the next head's follow
    int          length;  // numbers of a cell
    void (*widen)(const void * from, float * to, int64_t n);  // to floats; null if they are in half precision
};

// Attention of some tokens, in all the heads that share one head of keys and values, to all cells:
// softmax(scale * q k + mask) v. Row r of the work is token r % tokens of head r / tokens.
struct AttentionJob {
    const char *   queries;  // floats of the first token's first head
    size_t         query_bytes[2];  // from one token, from one head to the next
    char *         out;
    size_t         out_bytes[2];
    AttentionCells keys;
    AttentionCells values;
    const char *   mask;  // half precision, one row per token; may be null
    size_t         mask_bytes;
    const float *  slopes;  // per head: the factor of the mask
    const float *  sinks;   // per head: a logit that takes part and has no value; may be null
    int64_t        cells;
    int            tokens;
    int            heads;
    float          scale;
    float          softcap;  // 0: none
    float *        scratch;  // Attention::scratch floats, aligned to 64
};

struct Attention {
    size_t (*scratch)(int rows, int tokens, int key_length, int value_length);  // floats of working memory per thread
    void (*attend)(const AttentionJob & job);
};

// Attention of one token: `begin` a part, `add` tiles of cells to it, `join` parts. Several threads may share the cells, each
// with its own part. `tokens` of a job is 1.
struct AttentionOfOne {
    int tile;  // maximum number of cells that are added at once
    size_t (*part_floats)(int heads, int key_length, int value_length);
    size_t (*scratch)(int heads, int key_length, int value_length);  // floats
    void (*begin)(const AttentionJob & job, float * part);
    void (*add)(const AttentionJob & job, int64_t first, int n, float * part);
    void (*join)(const AttentionJob & job, int head, float * parts, size_t stride, int n);
};

constexpr int kTypes = 64;  // more than ggml has

struct InstructionSet {
    const char * name;
    Kernel       kernels[kTypes];  // by ggml's number of the type
    Kernel       few[kTypes];              // for few tokens, with weights as stored in the file
    Kernel       few_interleaved[kTypes];  // and as ggml repacks them
    Attention    attention;
    AttentionOfOne attention_of_one;
    const InstructionSet * without_tiles;  // whose kernels may replace those that use tiles; null if none do
};

// One per source file; compiled everywhere, empty where the compiler cannot produce it. `is_usable` says
// whether this processor and its operating system run it.
const InstructionSet * portable();
const InstructionSet * avx2();
const InstructionSet * avx_vnni();
const InstructionSet * avx512_vnni();
const InstructionSet * avx512_bf16();
const InstructionSet * amx_int8();
const InstructionSet * neon_dot();
const InstructionSet * neon_i8mm();

// Whether the system lets this process use tiles, for which permission has to be requested.
bool ask_for_tiles();

// The sets that this machine can run, best first, terminated by nullptr. The portable one is always there.
const InstructionSet * const * usable_sets();

}  // namespace coblyn::kernels
