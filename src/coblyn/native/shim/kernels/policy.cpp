#include "policy.h"

#include <atomic>

namespace coblyn::kernels {

namespace {

std::atomic<const InstructionSet *> chosen{ nullptr };
std::atomic<int>                    batches[kTypes];
std::atomic<int>                    few[kTypes];
std::atomic<bool>                   without_tiles[kTypes];
std::atomic<int>                    distance{ 4096 };
std::atomic<int>                    tokens{ 0 };
std::atomic<bool>                   is_single_ours{ false };

// From this many on, ggml computes what the mask hides too; below, where sequences share cells, it may skip most of them.
constexpr int kDefaultTokens = 64;

// Where ours begins to be clearly faster, by type: as measured with AVX2 without VNNI against ggml's AVX2 code
// (docs/decisions.md). A measurement on the machine itself replaces it. In F16, ggml is already at the machine's limit;
// types that it repacks need more tokens than those that it multiplies row by row.
int default_batch(int type) {
    constexpr int kF16 = 1, kQ4_0 = 2, kQ8_0 = 8, kQ4_K = 12, kIQ4_NL = 20, kBF16 = 30, kMXFP4 = 39;
    switch (type) {
        case kF16: return 0;
        case kQ4_0:
        case kIQ4_NL: return 32;
        case kBF16:
        case kQ8_0:
        case kQ4_K:
        case kMXFP4: return 16;
        default: return 8;
    }
}

}  // namespace

const InstructionSet * current_set() {
    return chosen.load(std::memory_order_relaxed);
}

void use_set(const InstructionSet * set) {
    chosen.store(set, std::memory_order_relaxed);
    for (int type = 0; type < kTypes; ++type) {
        set_min_batch(type, set != nullptr && set->kernels[type].rows > 0 ? default_batch(type) : 0);
        set_max_few(type, 0);  // until a measurement has been made
        set_tiles(type, true);
    }
    set_min_tokens(set != nullptr ? kDefaultTokens : 0);
    set_single(min_tokens() > 0);
}

const Kernel * kernel_of(int type) {
    const InstructionSet * set = current_set();
    if (set == nullptr || type < 0 || type >= kTypes || set->kernels[type].rows == 0) {
        return nullptr;
    }
    return set->without_tiles == nullptr || uses_tiles(type) ? &set->kernels[type] : &set->without_tiles->kernels[type];
}

bool uses_tiles(int type) {
    const InstructionSet * set = current_set();
    const bool             has = set != nullptr && set->without_tiles != nullptr && type >= 0 && type < kTypes;
    return has && !without_tiles[type].load(std::memory_order_relaxed);
}

void set_tiles(int type, bool may) {
    if (type >= 0 && type < kTypes) {
        without_tiles[type].store(!may, std::memory_order_relaxed);
    }
}

const Kernel * few_kernel_of(int type, bool is_interleaved) {
    const InstructionSet * set = current_set();
    if (set == nullptr || type < 0 || type >= kTypes) {
        return nullptr;
    }
    const Kernel & kernel = is_interleaved ? set->few_interleaved[type] : set->few[type];
    return kernel.rows == 0 ? nullptr : &kernel;
}

int min_batch(int type) {
    return type < 0 || type >= kTypes ? 0 : batches[type].load(std::memory_order_relaxed);
}

void set_min_batch(int type, int batch) {
    if (type >= 0 && type < kTypes) {
        batches[type].store(batch > 0 ? batch : 0, std::memory_order_relaxed);
    }
}

int max_few(int type) {
    return type < 0 || type >= kTypes ? 0 : few[type].load(std::memory_order_relaxed);
}

void set_max_few(int type, int most) {
    if (type >= 0 && type < kTypes) {
        few[type].store(most < 0 ? 0 : most > kMostFew ? kMostFew : most, std::memory_order_relaxed);
    }
}

int ahead() {
    return distance.load(std::memory_order_relaxed);
}

void set_ahead(int bytes) {
    distance.store(bytes, std::memory_order_relaxed);
}

int min_tokens() {
    return tokens.load(std::memory_order_relaxed);
}

void set_min_tokens(int least) {
    tokens.store(least > 0 ? least : 0, std::memory_order_relaxed);
}

bool takes_single() {
    return is_single_ours.load(std::memory_order_relaxed);
}

void set_single(bool is_ours) {
    is_single_ours.store(is_ours, std::memory_order_relaxed);
}

TakeEverything::TakeEverything(int type, int most_few)
    : type_(type), batch_(min_batch(type)), few_(max_few(type)), tokens_(min_tokens()), is_single_(takes_single()) {
    set_min_batch(type, 1);
    set_max_few(type, most_few);
    set_min_tokens(1);
    set_single(true);
}

TakeEverything::~TakeEverything() {
    set_min_batch(type_, batch_);
    set_max_few(type_, few_);
    set_min_tokens(tokens_);
    set_single(is_single_);
}

}  // namespace coblyn::kernels
