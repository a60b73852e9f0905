// What is ours: a smallest batch for each weight type, fewest tokens for attention, and the instruction set in use.

#pragma once

#include "kernel.h"

namespace coblyn::accel {

// The kernel of a type in the set in use; nullptr where there is none.
const Kernel * kernel_of(int type);

// 0: never.
int  min_batch(int type);
void set_min_batch(int type, int batch);

// The fewest tokens, of more than one, whose attention is ours; 0: never. And whether that of a single one is.
int  min_tokens();
void set_min_tokens(int tokens);
bool takes_single();
void set_single(bool is_ours);

// Ours takes all that it can of a type, and all attention, as long as this lives: for checks and measurements.
class TakeEverything {
  public:
    explicit TakeEverything(int type);
    ~TakeEverything();
    TakeEverything(const TakeEverything &)             = delete;
    TakeEverything & operator=(const TakeEverything &) = delete;

  private:
    int  type_;
    int  batch_;
    int  tokens_;
    bool is_single_;
};

const InstructionSet * current_set();
// Also sets all batches to what suits this set.
void use_set(const InstructionSet * set);

}  // namespace coblyn::accel
