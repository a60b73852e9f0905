#include "dry.h"

#include "random.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace coblyn {

size_t Table::place(uint64_t key) const {
    size_t i = mix(key) & (slots.size() - 1);
    while (slots[i].is_used && slots[i].key != key) {
        i = (i + 1) & (slots.size() - 1);
    }
    return i;
}

void Table::grow() {
    std::vector<Slot> old(std::max<size_t>(64, slots.size() * 2), Slot{0, -1, false});
    old.swap(slots);
    for (const Slot & slot : old) {
        if (slot.is_used) {
            slots[place(slot.key)] = slot;
        }
    }
}

int32_t & Table::at(uint64_t key) {
    if (2 * (used + 1) > slots.size()) {
        grow();
    }
    Slot & slot = slots[place(key)];
    if (!slot.is_used) {
        slot = {key, -1, true};
        ++used;
    }
    return slot.value;
}

int32_t Table::find(uint64_t key) const {
    return slots.empty() ? -1 : slots[place(key)].value;
}

Dry::Dry(const DryOptions & options, std::vector<std::vector<int32_t>> sequences)
    : options(options), max_excess(-1), breakers(std::move(sequences)) {
    constexpr double log_of_largest_float = 88.7228391;
    if (options.base > 1.000001) {
        max_excess = (int32_t) (log_of_largest_float / std::log(options.base));
    }
    for (size_t i = 0; i < breakers.size(); ++i) {
        if (!breakers[i].empty()) {
            ends[breakers[i].back()].push_back(i);
        }
    }
}

// A key of the tokens before a position. Two runs with the same key cost time, not correctness: repeats are compared.
uint64_t Dry::run_before(size_t position) const {
    uint64_t key = 0;
    for (size_t i = position - run_length(); i < position; ++i) {
        key = mix(key ^ (uint32_t) tokens[i]);
    }
    return key;
}

void Dry::remember(int32_t token) {
    const size_t position = tokens.size();
    tokens.push_back(token);
    earlier.push_back(-1);
    if (position >= (size_t) run_length()) {
        link(token, position);
    }
    look_for_breaker();
}

void Dry::link(int32_t token, size_t position) {
    const uint64_t run   = run_before(position);
    int32_t &      first = runs.at(run);
    int32_t &      found = followers.at(mix(run) ^ (uint32_t) token);
    if (found < 0) {
        found = (int32_t) edges.size();
        edges.push_back({token, -1, -1, -1});
    }
    const int32_t edge = found;
    earlier[position]  = edges[edge].last;
    edges[edge].last   = (int32_t) position;
    if (first == edge) {
        return;
    }
    // To the front: the list is in order of last places.
    if (edges[edge].previous >= 0) {
        edges[edges[edge].previous].next = edges[edge].next;
    }
    if (edges[edge].next >= 0) {
        edges[edges[edge].next].previous = edges[edge].previous;
    }
    edges[edge].previous = -1;
    edges[edge].next     = first;
    if (first >= 0) {
        edges[first].previous = edge;
    }
    first = edge;
}

// The last breaker is the one that begins last; among several that begin there, the longest.
void Dry::look_for_breaker() {
    const auto found = ends.find(tokens.back());
    if (found == ends.end()) {
        return;
    }
    for (const size_t index : found->second) {
        const auto & sequence = breakers[index];
        if (sequence.size() > tokens.size() || !std::equal(sequence.rbegin(), sequence.rend(), tokens.rbegin())) {
            continue;
        }
        const int32_t start = (int32_t) (tokens.size() - sequence.size());
        if (start >= breaker_start) {
            breaker_start = start;
            breaker_end   = (int32_t) tokens.size();
        }
    }
}

int32_t Dry::tokens_since_breaker(int32_t start) const {
    const int32_t size = (int32_t) tokens.size();
    return size - (breaker_start >= start && breaker_start >= 0 ? breaker_end : start);
}

// How many tokens up to and including `end` match those at the end now, at most `bound`.
int32_t Dry::repeat(int32_t end, int32_t bound) const {
    const int32_t now    = (int32_t) tokens.size() - 1;
    int32_t       length = 0;
    while (length < bound && tokens[end - length] == tokens[now - length]) {
        ++length;
    }
    return length;
}

void Dry::find(std::vector<DryPenalty> & out) const {
    out.clear();
    const int32_t size   = (int32_t) tokens.size();
    const int32_t window = options.last_n > 0 ? std::min(options.last_n, size) : size;
    const int32_t start  = size - window;
    const int32_t limit  = std::min(tokens_since_breaker(start), window);
    if (options.multiplier <= 0 || options.base <= 0 || limit <= options.allowed_length) {
        return;
    }
    // Longer repeats are not penalized further.
    const int32_t enough =
        max_excess >= 0 && options.allowed_length < std::numeric_limits<int32_t>::max() - max_excess
            ? std::min(limit, std::max(0, options.allowed_length + max_excess))
            : limit;
    for (int32_t edge = runs.find(run_before(size)); edge >= 0; edge = edges[edge].next) {
        if (edges[edge].last <= start) {
            break;  // so are all that follow
        }
        int32_t longest = -1;
        for (int32_t place = edges[edge].last; place > start; place = earlier[place]) {
            const int32_t bound = std::min(enough, place - start);
            if (longest >= bound) {
                break;  // the same holds for all earlier places
            }
            longest = std::max(longest, repeat(place - 1, bound));
        }
        if (longest >= options.allowed_length) {
            const double value = options.multiplier * std::pow(options.base, longest - options.allowed_length);
            out.push_back({edges[edge].token, std::min(value, 1e30)});
        }
    }
}

}  // namespace coblyn
