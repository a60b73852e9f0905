// DRY: which tokens would continue a repetition, and how long it is already.
//
// The places where the last few tokens occurred before are looked up, not searched: each run of that many tokens
// has a list of the tokens that followed it, most recent first, and each of these has its places, last
// first. The time per token depends on how often its few predecessors occurred together, not on the length of the context.

#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

namespace coblyn {

// From 64-bit keys to indices from 0 on.
class Table {
public:
    // The index of a key, to be set if it is -1, which marks a new key.
    int32_t & at(uint64_t key);
    int32_t   find(uint64_t key) const;

private:
    struct Slot {
        uint64_t key;
        int32_t  value;
        bool     is_used;
    };
    size_t place(uint64_t key) const;
    void   grow();

    std::vector<Slot> slots;
    size_t            used = 0;
};

struct DryOptions {
    double  multiplier;
    double  base;
    int32_t allowed_length;
    int32_t last_n;  // 0 or less: all
};

struct DryPenalty {
    int32_t token;
    double  value;
};

class Dry {
public:
    Dry(const DryOptions & options, std::vector<std::vector<int32_t>> breakers);

    void remember(int32_t token);
    // The amounts to subtract from the logits of the next token.
    void find(std::vector<DryPenalty> & out) const;

private:
    struct Edge {  // a token that followed a run
        int32_t token;
        int32_t last;      // its last place
        int32_t previous;  // neighbours in the list of the run, -1: none
        int32_t next;
    };

    // Runs are no longer than this: the rest is compared.
    int32_t  run_length() const { return std::max(0, std::min(options.allowed_length, 16)); }
    uint64_t run_before(size_t position) const;
    void     link(int32_t token, size_t position);
    void     look_for_breaker();
    int32_t  tokens_since_breaker(int32_t start) const;
    int32_t  repeat(int32_t end, int32_t bound) const;

    DryOptions                                     options;
    int32_t                                        max_excess;
    std::vector<std::vector<int32_t>>              breakers;
    std::unordered_map<int32_t, std::vector<size_t>> ends;  // breakers by their last token
    std::vector<int32_t>                           tokens;
    std::vector<int32_t>                           earlier;  // of each place: the previous one on the same edge, -1: none
    std::vector<Edge>                              edges;
    Table                                          runs;     // run -> first edge
    Table                                          followers;  // run and token -> edge
    int32_t                                        breaker_start = -1;
    int32_t                                        breaker_end   = -1;
};

}  // namespace coblyn
