// Every instruction set of this machine against the portable code, without ggml: for processors that are emulated.
// Blocks are random bytes whose half-precision factors are made small and finite. Exit code 1 on a difference.

#include "kernel.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <random>
#include <vector>

using namespace coblyn::kernels;

namespace {

struct Format {
    int              type, bytes, values;
    std::vector<int> halves;  // where half-precision factors lie
};

const std::vector<Format> kFormats = {
    { 1, 2, 1, { 0 } },        { 30, 2, 1, {} },           { 2, 18, 32, { 0 } },      { 3, 20, 32, { 0, 2 } },
    { 6, 22, 32, { 0 } },      { 7, 24, 32, { 0, 2 } },    { 8, 34, 32, { 0 } },      { 10, 84, 256, { 80, 82 } },
    { 11, 110, 256, { 108 } }, { 12, 144, 256, { 0, 2 } }, { 13, 176, 256, { 0, 2 } }, { 14, 210, 256, { 208 } },
    { 20, 18, 32, { 0 } },     { 23, 136, 256, { 0 } },    { 39, 17, 32, {} },
};

std::vector<uint8_t> random_rows(const Format & format, int rows, int length, std::mt19937 & random) {
    std::vector<uint8_t> bytes((size_t) rows * length / format.values * format.bytes);
    for (uint8_t & byte : bytes) {
        byte = (uint8_t) random();
    }
    for (size_t block = 0; block < bytes.size(); block += format.bytes) {
        for (int place : format.halves) {
            bytes[block + place + 1] = (uint8_t) ((bytes[block + place + 1] & 0x83) | 0x2c);
        }
        if (format.type == 30) {
            bytes[block + 1] = (uint8_t) ((bytes[block + 1] & 0x81) | 0x3e);
        } else if (format.type == 39) {
            bytes[block] = (uint8_t) (120 + bytes[block] % 8);
        }
    }
    return bytes;
}

std::vector<float> multiply(const Kernel & kernel, const Format & format, const std::vector<uint8_t> & weights, int rows,
                            int length, const std::vector<float> & x, int tokens) {
    const size_t              row_bytes = (size_t) length / format.values * format.bytes, act_bytes = kernel.slab * (length / 32);
    std::vector<char>         acts(act_bytes * tokens + 64), scratch(kernel.scratch + 64);
    char *                    own   = (char *) (((size_t) acts.data() + 63) / 64 * 64);
    std::vector<float>        out((size_t) tokens * rows);
    std::vector<const void *> act_rows(tokens);
    std::vector<float *>      out_rows(tokens);
    for (int t = 0; t < tokens; ++t) {
        act_rows[t] = &x[(size_t) t * length];
        if (kernel.slab != 0) {
            kernel.prepare(&x[(size_t) t * length], length, own + t * act_bytes);
            act_rows[t] = own + t * act_bytes;
        }
    }
    for (int row = 0; row < rows; row += kernel.rows) {
        for (int t = 0; t < tokens; ++t) {
            out_rows[t] = &out[(size_t) t * rows + row];
        }
        Job job{};
        job.weights   = &weights[row * row_bytes];
        job.row_bytes = row_bytes;
        job.rows      = rows - row < kernel.rows ? rows - row : kernel.rows;
        job.length    = length;
        job.acts      = act_rows.data();
        job.outs      = out_rows.data();
        job.tokens    = tokens;
        job.scratch   = (void *) (((size_t) scratch.data() + 63) / 64 * 64);
        kernel.product(job);
    }
    return out;
}

// Of tokens that see the past only, over keys and values in half precision.
std::vector<float> attend(const InstructionSet & set, int length, int heads, int tokens, int cells) {
    std::mt19937                    random(length);
    std::normal_distribution<float> normal;
    std::vector<float>              queries((size_t) length * heads * tokens), slopes(heads, 1.0f);
    std::vector<uint16_t>           keys((size_t) length * cells), values(keys.size()), mask((size_t) tokens * cells);
    for (float & value : queries) {
        value = normal(random);
    }
    for (auto * halves : { &keys, &values }) {
        for (uint16_t & half : *halves) {
            half = (uint16_t) (0x3000 + random() % 0x0c00 + (random() % 2 << 15));  // 1/8 to 1, of either sign
        }
    }
    for (int token = 0; token < tokens; ++token) {
        for (int cell = cells - tokens + token + 1; cell < cells; ++cell) {
            mask[(size_t) token * cells + cell] = 0xfc00;
        }
    }
    std::vector<float> out(queries.size()), parts(3 * set.attention_of_one.part_floats(heads, length, length));
    std::vector<float> scratch(16 + (tokens == 1 ? set.attention_of_one.scratch(heads, length, length)
                                                 : set.attention.scratch(tokens * heads, tokens, length, length)));
    AttentionJob       job{};
    job.queries        = (const char *) queries.data();
    job.out            = (char *) out.data();
    job.query_bytes[0] = job.out_bytes[0] = sizeof(float) * length * heads;
    job.query_bytes[1] = job.out_bytes[1] = sizeof(float) * length;
    const size_t bytes = sizeof(uint16_t) * length;
    job.keys           = { (const char *) keys.data(), bytes, bytes, length, nullptr };
    job.values         = { (const char *) values.data(), bytes, bytes, length, nullptr };
    job.mask           = (const char *) mask.data();
    job.mask_bytes     = sizeof(uint16_t) * cells;
    job.slopes         = slopes.data();
    job.cells          = cells;
    job.tokens         = tokens;
    job.heads          = heads;
    job.scale          = 1 / std::sqrt((float) length);
    job.scratch        = (float *) (((size_t) scratch.data() + 63) / 64 * 64);
    if (tokens > 1) {
        set.attention.attend(job);
        return out;
    }
    const AttentionOfOne & one = set.attention_of_one;
    for (int i = 0; i < 3; ++i) {
        float * part = &parts[parts.size() / 3 * i];
        one.begin(job, part);
        for (int cell = i * one.tile; cell < cells; cell += 3 * one.tile) {
            one.add(job, cell, std::min(one.tile, cells - cell), part);
        }
    }
    for (int head = 0; head < heads; ++head) {
        one.join(job, head, parts.data(), parts.size() / 3, 3);
    }
    return out;
}

double difference(const std::vector<float> & got, const std::vector<float> & expected) {
    double error = 0, square = 0;
    for (size_t i = 0; i < got.size(); ++i) {
        error += ((double) got[i] - expected[i]) * ((double) got[i] - expected[i]);
        square += (double) expected[i] * expected[i];
    }
    return error / square;
}

}  // namespace

int main() {
    int n_checks = 0, n_failures = 0;
    for (const InstructionSet * const * it = usable_sets(); *it != nullptr; ++it) {
        for (const int length : { 5, 64, 72, 128, 256 }) {
            for (const int tokens : { 1, 3, 8, 33 }) {
                const int    heads = 2 + tokens % 4, cells = 200 + 5 * tokens;
                const double error = difference(attend(**it, length, heads, tokens, cells),
                                                attend(*portable(), length, heads, tokens, cells));
                ++n_checks;
                if (!(error < 1e-11)) {
                    ++n_failures;
                    std::printf("FAIL %s attention length %d tokens %d: %.3g\n", (*it)->name, length, tokens, error);
                }
            }
        }
        for (const Format & format : kFormats) {
            std::mt19937 random(format.type);
            for (const int tokens : { 1, 2, 3, 4, 5, 7, 12, 33 }) {
                const int rows = 16 * (tokens % 3) + 13, length = format.values == 256 ? 256 * (1 + tokens % 4) : 32 * tokens + 32;
                const auto                      weights = random_rows(format, rows, length, random);
                std::normal_distribution<float> normal;
                std::vector<float>              x((size_t) tokens * length);
                for (float & value : x) {
                    value = normal(random);
                }
                const Kernel & plain = portable()->kernels[format.type];
                const auto     expected = multiply(plain, format, weights, rows, length, x, tokens);
                const auto     got      = multiply((*it)->kernels[format.type], format, weights, rows, length, x, tokens);
                const double   error    = difference(got, expected);
                ++n_checks;
                // Rounding alone; ties of activations that are scaled by a reciprocal may fall either way.
                if (!(error <= 1e-6)) {
                    ++n_failures;
                    std::printf("FAIL %s type %d tokens %d: %.3g\n", (*it)->name, format.type, tokens, error);
                }
            }
        }
        std::printf("%s\n", (*it)->name);
    }
    std::printf("%d checks, %d failures\n", n_checks, n_failures);
    return n_failures == 0 ? 0 : 1;
}
