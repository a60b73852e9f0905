// The attention of every instruction set that this machine runs, against double precision.
//
//   attentions [set]
//
// Heads of many lengths, groups of 1 to 17 heads, keys and values of several types with gaps between them, masks that
// hide the future, random cells or everything, slopes, capped scores, sinks. The limit is what single precision
// allows. One line a failure; the last line counts.

#include "kernel.h"

#include "ggml-cpu.h"
#include "ggml.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

using namespace coblyn::kernels;

namespace {

int n_failures = 0, n_checks = 0;

enum class Mask { none, future, some, all, slopes };

struct Case {
    ggml_type keys, values;
    int       key_length, value_length, heads, tokens, cells;
    Mask      mask;
    float     softcap;
    bool      has_sinks;
};

std::vector<float> noise(size_t n, std::mt19937 & random) {
    std::normal_distribution<float> normal;
    std::vector<float>              values(n);
    for (float & value : values) {
        value = normal(random);
    }
    return values;
}

// Rows of a type with a gap between them, and what they are as floats.
struct Rows {
    std::vector<uint8_t> memory;
    std::vector<float>   plain;
    size_t               bytes;

    Rows(ggml_type type, int n, int length, std::mt19937 & random) : bytes(ggml_row_size(type, length) + 8) {
        memory.resize(bytes * n + 64);
        plain.resize((size_t) n * length);
        for (int i = 0; i < n; ++i) {
            const auto values = noise(length, random);
            ggml_quantize_chunk(type, values.data(), &memory[i * bytes], 0, 1, length, nullptr);
            if (type == GGML_TYPE_F32) {
                std::memcpy(&plain[(size_t) i * length], &memory[i * bytes], sizeof(float) * length);
            } else {
                ggml_get_type_traits(type)->to_float(&memory[i * bytes], &plain[(size_t) i * length], length);
            }
        }
    }
};

void copy_floats(const void * from, float * to, int64_t n) {
    std::memcpy(to, from, sizeof(float) * n);
}

auto widen_of(ggml_type type) -> void (*)(const void *, float *, int64_t) {
    return type == GGML_TYPE_F16 ? nullptr : type == GGML_TYPE_F32 ? copy_floats : ggml_get_type_traits(type)->to_float;
}

AttentionCells cells_of(const Rows & rows, ggml_type type, int length) {
    return { (const char *) rows.memory.data(), rows.bytes, ggml_row_size(type, length), length, widen_of(type) };
}

std::vector<uint16_t> make_mask(const Case & c, std::mt19937 & random) {
    std::vector<uint16_t> mask((size_t) c.tokens * c.cells);
    for (int token = 0; token < c.tokens; ++token) {
        for (int cell = 0; cell < c.cells; ++cell) {
            bool  is_hidden = c.mask == Mask::all || (c.mask == Mask::future && cell > c.cells - c.tokens + token);
            float value     = 0;
            if (c.mask == Mask::some) {
                is_hidden = random() % 3 != 0 || token == 1;  // one token sees nothing
            } else if (c.mask == Mask::slopes) {
                is_hidden = cell > c.cells - c.tokens + token;
                value     = -(float) std::abs(c.cells - c.tokens + token - cell);
            }
            mask[(size_t) token * c.cells + cell] = is_hidden ? 0xfc00 : ggml_fp32_to_fp16(value);
        }
    }
    return mask;
}

// One token of one head, in double.
std::vector<double> exact(const Case & c, const float * q, const Rows & keys, const Rows & values, const uint16_t * mask,
                          float slope, const float * sink, float scale) {
    std::vector<double> scores(c.cells), out(c.value_length);
    double              best = sink != nullptr ? *sink : -std::numeric_limits<double>::infinity();
    for (int cell = 0; cell < c.cells; ++cell) {
        double score = 0;
        for (int i = 0; i < c.key_length; ++i) {
            score += (double) q[i] * keys.plain[(size_t) cell * c.key_length + i];
        }
        score *= scale;
        score = c.softcap != 0 ? c.softcap * std::tanh(score / c.softcap) : score;
        score += mask != nullptr ? (double) slope * ggml_fp16_to_fp32(mask[cell]) : 0;
        scores[cell] = score;
        best         = std::max(best, score);
    }
    double mass = sink != nullptr ? std::exp(*sink - best) : 0;
    for (int cell = 0; cell < c.cells && std::isfinite(best); ++cell) {
        const double weight = std::exp(scores[cell] - best);
        mass += weight;
        for (int i = 0; i < c.value_length; ++i) {
            out[i] += weight * values.plain[(size_t) cell * c.value_length + i];
        }
    }
    for (double & value : out) {
        value = mass == 0 ? 0 : value / mass;
    }
    return out;
}

// By the code for many tokens, or by that for a single one with its cells dealt out among so many.
void attend(const InstructionSet & set, const AttentionJob & job, int n_sharers) {
    if (n_sharers == 0) {
        set.attention.attend(job);
        return;
    }
    const size_t       stride = set.attention_of_one.part_floats(job.heads, job.keys.length, job.values.length);
    std::vector<float> parts(stride * n_sharers, NAN);
    const int          tile = set.attention_of_one.tile;
    for (int i = 0; i < n_sharers; ++i) {
        float * part = &parts[i * stride];
        set.attention_of_one.begin(job, part);
        for (int64_t cell = (int64_t) i * tile; cell < job.cells; cell += (int64_t) n_sharers * tile) {
            set.attention_of_one.add(job, cell, (int) std::min<int64_t>(tile, job.cells - cell), part);
        }
    }
    for (int head = 0; head < job.heads; ++head) {
        set.attention_of_one.join(job, head, parts.data(), stride, n_sharers);
    }
}

void check(const InstructionSet & set, const Case & c, int n_sharers = 0) {
    ++n_checks;
    std::mt19937       random(11);
    const Rows         keys(c.keys, c.cells, c.key_length, random), values(c.values, c.cells, c.value_length, random);
    const auto         queries = noise((size_t) c.tokens * c.heads * c.key_length, random);
    const auto         mask    = make_mask(c, random);
    const auto         sinks   = noise(c.heads, random);
    std::vector<float> slopes(c.heads, 1.0f);
    for (int head = 0; c.mask == Mask::slopes && head < c.heads; ++head) {
        slopes[head] = std::exp2(-0.5f * (head + 1));
    }
    std::vector<float> out((size_t) c.tokens * c.heads * c.value_length + 1, NAN);
    const size_t       n_scratch = n_sharers == 0
                                       ? set.attention.scratch(c.tokens * c.heads, c.tokens, c.key_length, c.value_length)
                                       : set.attention_of_one.scratch(c.heads, c.key_length, c.value_length);
    // What was left there by others is no number; behind the memory that was asked for stands a guard.
    std::vector<float> scratch(n_scratch + 32, NAN);
    float *            first = (float *) (((size_t) scratch.data() + 63) / 64 * 64);
    first[n_scratch]         = 12345;

    AttentionJob job{};
    job.queries        = (const char *) queries.data();  // tokens, in them heads
    job.query_bytes[0] = sizeof(float) * c.heads * c.key_length;
    job.query_bytes[1] = sizeof(float) * c.key_length;
    job.out            = (char *) out.data();
    job.out_bytes[0]   = sizeof(float) * c.heads * c.value_length;
    job.out_bytes[1]   = sizeof(float) * c.value_length;
    job.keys           = cells_of(keys, c.keys, c.key_length);
    job.values         = cells_of(values, c.values, c.value_length);
    job.mask           = c.mask == Mask::none ? nullptr : (const char *) mask.data();
    job.mask_bytes     = 2 * (size_t) c.cells;
    job.slopes         = slopes.data();
    job.sinks          = c.has_sinks ? sinks.data() : nullptr;
    job.cells          = c.cells;
    job.tokens         = c.tokens;
    job.heads          = c.heads;
    job.scale          = 1 / std::sqrt((float) c.key_length);
    job.softcap        = c.softcap;
    job.scratch        = first;
    attend(set, job, n_sharers);

    double error = 0, square = 0;
    bool   is_finite = true;
    for (int token = 0; token < c.tokens; ++token) {
        for (int head = 0; head < c.heads; ++head) {
            const size_t at   = (size_t) token * c.heads + head;
            const auto   want = exact(c, &queries[at * c.key_length], keys, values,
                                      job.mask == nullptr ? nullptr : &mask[(size_t) token * c.cells], slopes[head],
                                      c.has_sinks ? &sinks[head] : nullptr, job.scale);
            for (int i = 0; i < c.value_length; ++i) {
                const float got = out[at * c.value_length + i];
                is_finite &= std::isfinite(got);
                error += (got - want[i]) * (got - want[i]);
                square += want[i] * want[i];
            }
        }
    }
    const bool is_inside = std::isnan(out.back()) && first[n_scratch] == 12345.0f;
    const bool is_near   = square == 0 ? error == 0 : error / square < 1e-11;
    if (!is_finite || !is_inside || !is_near) {
        ++n_failures;
        std::printf("FAIL %s %s/%s length=%d/%d heads=%d tokens=%d cells=%d mask=%d cap=%g sinks=%d sharers=%d: %s %.3g\n", set.name,
                    ggml_type_name(c.keys), ggml_type_name(c.values), c.key_length, c.value_length, c.heads, c.tokens,
                    c.cells, (int) c.mask, c.softcap, c.has_sinks, n_sharers,
                    !is_inside ? "wrote outside" : !is_finite ? "not finite" : "error", square == 0 ? error : error / square);
    }
}

// What is no number must not come out as one: a query of it spoils its own row, a key of it all rows that see it.
void check_nan(const InstructionSet & set, ggml_type type, bool is_key, int tokens, int n_sharers) {
    ++n_checks;
    constexpr int      kLength = 64, kHeads = 3, kCells = 160, kSpoilt = 100;
    std::mt19937       random(5);
    std::vector<float> queries = noise((size_t) tokens * kHeads * kLength, random), slopes(kHeads, 1.0f);
    Rows               keys(type, kCells, kLength, random), values(type, kCells, kLength, random);
    if (!is_key) {
        queries[7] = NAN;
    } else if (type == GGML_TYPE_F16) {
        ((uint16_t *) &keys.memory[kSpoilt * keys.bytes])[7] = 0x7e00;
    } else {
        ((float *) &keys.memory[kSpoilt * keys.bytes])[7] = NAN;
    }
    std::vector<float> out(queries.size(), 0.0f);
    std::vector<float> scratch(16 + (n_sharers == 0 ? set.attention.scratch(tokens * kHeads, tokens, kLength, kLength)
                                                    : set.attention_of_one.scratch(kHeads, kLength, kLength)));
    AttentionJob       job{};
    job.queries        = (const char *) queries.data();
    job.out            = (char *) out.data();
    job.query_bytes[0] = job.out_bytes[0] = sizeof(float) * kLength * kHeads;
    job.query_bytes[1] = job.out_bytes[1] = sizeof(float) * kLength;
    job.keys           = cells_of(keys, type, kLength);
    job.values         = cells_of(values, type, kLength);
    job.slopes         = slopes.data();
    job.cells          = kCells;
    job.tokens         = tokens;
    job.heads          = kHeads;
    job.scale          = 0.125f;
    job.scratch        = (float *) (((size_t) scratch.data() + 63) / 64 * 64);
    attend(set, job, n_sharers);
    for (size_t row = 0; row < out.size() / kLength; ++row) {
        const bool is_spoilt = is_key || row == 0;
        for (int i = 0; i < kLength; ++i) {
            if (std::isfinite(out[row * kLength + i]) == is_spoilt) {
                ++n_failures;
                std::printf("FAIL %s: no number in a %s, tokens=%d sharers=%d, row %zu gives %g\n", set.name,
                            is_key ? "key" : "query", tokens, n_sharers, row, out[row * kLength + i]);
                return;
            }
        }
    }
}

void check_set(const InstructionSet & set) {
    const ggml_type half = GGML_TYPE_F16;
    for (const Mask mask : { Mask::none, Mask::future, Mask::some, Mask::all, Mask::slopes }) {
        for (const int tokens : { 1, 2, 5, 8, 31, 32 }) {
            for (const int heads : { 1, 3, 4, 17 }) {
                check(set, { half, half, 64, 64, heads, tokens, 100 + tokens, mask, 0, false });
            }
        }
        check(set, { half, half, 64, 64, 3, 7, 300, mask, 30, false });
        check(set, { half, half, 64, 64, 3, 7, 300, mask, 0, true });
    }
    for (const int cells : { 1, 2, 5, 6, 47, 48, 95, 96, 97, 192, 1000 }) {
        check(set, { half, half, 128, 128, 4, 1, cells, Mask::none, 0, false });
        check(set, { half, half, 40, 40, 2, 3, cells, Mask::none, 0, false });
    }
    for (const int length : { 1, 3, 8, 17, 72, 80, 96, 112, 192, 256 }) {
        check(set, { half, half, length, length, 3, 9, 130, Mask::future, 0, false });
    }
    check(set, { half, half, 576, 512, 16, 4, 200, Mask::future, 0, false });
    for (const ggml_type type : { GGML_TYPE_F32, GGML_TYPE_BF16, GGML_TYPE_Q8_0, GGML_TYPE_Q5_1, GGML_TYPE_Q4_0 }) {
        check(set, { type, type, 64, 128, 4, 24, 200, Mask::future, 0, false });
        check(set, { type, half, 128, 64, 4, 24, 200, Mask::future, 0, false });
    }
}

void check_single(const InstructionSet & set) {
    const ggml_type half = GGML_TYPE_F16;
    for (const int sharers : { 1, 2, 5 }) {
        for (const Mask mask : { Mask::none, Mask::future, Mask::some, Mask::all, Mask::slopes }) {
            for (const int heads : { 1, 2, 3, 4, 17 }) {
                for (const int cells : { 1, 63, 64, 65, 200, 1000 }) {
                    check(set, { half, half, 64, 64, heads, 1, cells, mask, 0, false }, sharers);
                }
            }
            check(set, { half, half, 64, 64, 3, 1, 300, mask, 30, false }, sharers);
            check(set, { half, half, 64, 64, 3, 1, 300, mask, 0, true }, sharers);
        }
        for (const int length : { 1, 3, 8, 17, 72, 80, 96, 112, 128, 192, 256 }) {
            for (const int heads : { 1, 2, 3, 4 }) {
                check(set, { half, half, length, length, heads, 1, 192, Mask::future, 0, false }, sharers);
            }
            check(set, { half, half, length, length, 3, 1, 130, Mask::future, 0, false }, sharers);
        }
        check(set, { half, half, 576, 512, 16, 1, 200, Mask::none, 0, false }, sharers);
        for (const ggml_type type : { GGML_TYPE_F32, GGML_TYPE_BF16, GGML_TYPE_Q8_0, GGML_TYPE_Q5_1, GGML_TYPE_Q4_0 }) {
            check(set, { type, type, 64, 128, 4, 1, 200, Mask::none, 0, false }, sharers);
            check(set, { type, half, 128, 64, 4, 1, 200, Mask::none, 0, false }, sharers);
        }
    }
}

}  // namespace

#if defined(COBLYN_TEST_EMULATED)
// Without the real one: all that was compiled, in emulation, is usable.
const InstructionSet * const * coblyn::kernels::usable_sets() {
    static const InstructionSet * const sets[] = { avx_vnni(), avx512_vnni(), avx512_bf16(), nullptr };
    return sets;
}
#endif

int main(int argc, char ** argv) {
    ggml_cpu_init();
    for (const InstructionSet * const * it = usable_sets(); *it != nullptr; ++it) {
        if (argc < 2 || std::strcmp(argv[1], (*it)->name) == 0) {
            check_set(**it);
            check_single(**it);
            for (const ggml_type type : { GGML_TYPE_F32, GGML_TYPE_F16 }) {
                for (const bool is_key : { false, true }) {
                    check_nan(**it, type, is_key, 5, 0);
                    check_nan(**it, type, is_key, 1, 1);
                    check_nan(**it, type, is_key, 1, 2);
                }
            }
        }
    }
    std::printf("%d checks, %d failures\n", n_checks, n_failures);
    return n_failures == 0 ? 0 : 1;
}
