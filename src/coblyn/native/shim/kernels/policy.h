// What is ours: a smallest batch for each weight type, fewest tokens for attention, and the instruction set in use.

#pragma once

#include "kernel.h"

namespace coblyn::kernels {

// The kernel of a type in the set in use; nullptr where there is none.
const Kernel * kernel_of(int type);

// Whether the kernel of a type uses tiles: where the set has some, until it is forbidden.
bool uses_tiles(int type);
void set_tiles(int type, bool may);

// The one for few tokens.
const Kernel * few_kernel_of(int type, bool is_interleaved);

// 0: never.
int  min_batch(int type);
void set_min_batch(int type, int batch);

// Up to how many tokens the kernel for few takes a product over, whatever the smallest batch is; 0: never.
constexpr int kMostFew = 4;
int  max_few(int type);
void set_max_few(int type, int tokens);

// How far ahead of what it reads that kernel fetches, in bytes.
int  ahead();
void set_ahead(int bytes);

// The fewest tokens, of more than one, whose attention is ours; 0: never. And whether that of a single one is.
int  min_tokens();
void set_min_tokens(int tokens);
bool takes_single();
void set_single(bool is_ours);

// Ours takes all that it can of a type, and all attention, as long as this lives: for checks and measurements.
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
