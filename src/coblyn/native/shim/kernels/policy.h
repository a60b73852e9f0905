// What we take over: a smallest batch per weight type, the fewest tokens for attention, and the instruction set in use.

#pragma once

#include "kernel.h"

namespace coblyn::kernels {

// The kernel of a type in the set in use; nullptr if there is none.
const Kernel * kernel_of(int type);

// Whether the kernel of a type uses tiles: if the set has them and they are not forbidden.
bool uses_tiles(int type);
void set_tiles(int type, bool may);

// The kernel for few tokens.
const Kernel * few_kernel_of(int type, bool is_interleaved);

// 0: never.
int  min_batch(int type);
void set_min_batch(int type, int batch);

// The maximum number of tokens for which the kernel for few takes over a product, whatever the smallest batch is; 0: never.
constexpr int kMostFew = 4;
int  max_few(int type);
void set_max_few(int type, int tokens);

// How far ahead of its reads that kernel prefetches, in bytes.
int  ahead();
void set_ahead(int bytes);

// The minimum number of tokens, above one, whose attention is ours; 0: never. And whether that of a single token is.
int  min_tokens();
void set_min_tokens(int tokens);
bool takes_single();
void set_single(bool is_ours);

// Takes over all supported products and all attention during its lifetime: for checks and measurements.
class TakeEverything {
  public:
    explicit TakeEverything(int type, int most_few = kMostFew);
    ~TakeEverything();
    TakeEverything(const TakeEverything &)             = delete;
    TakeEverything & operator=(const TakeEverything &) = delete;

  private:
    int  type_;
    int  batch_;
    int  few_;
    int  tokens_;
    bool is_single_;
};

const InstructionSet * current_set();
// Also sets all batches to what suits this set.
void use_set(const InstructionSet * set);

}  // namespace coblyn::kernels
