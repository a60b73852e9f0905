// The kernels that use tiles against the portable ones, bit by bit. All factors are powers of two, and activations whole
// numbers whose greatest in each run of 32 is 127: no sum is rounded, in whatever order it is formed.
//
// Compiled with emulated tiles. The last line counts; exit code 1 on a difference.

#include "emulated_tiles.h"
#include "kernel.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <random>
#include <vector>

using namespace coblyn::kernels;

const InstructionSet * coblyn::kernels::avx512_bf16() {
    return nullptr;
}

const InstructionSet * coblyn::kernels::avx512_vnni() {
    return portable();
}

bool coblyn::kernels::ask_for_tiles() {
    return true;
}

namespace {

struct Format {
    int              type, bytes, values;
    std::vector<int> halves;  // where half-precision factors lie
};

const std::vector<Format> kFormats = {
    { 2, 18, 32, { 0 } },        { 3, 20, 32, { 0, 2 } },      { 6, 22, 32, { 0 } },        { 7, 24, 32, { 0, 2 } },
    { 8, 34, 32, { 0 } },        { 10, 84, 256, { 80, 82 } },  { 11, 110, 256, { 108 } },   { 12, 144, 256, { 0, 2 } },
    { 13, 176, 256, { 0, 2 } },  { 14, 210, 256, { 208 } },    { 20, 18, 32, { 0 } },       { 23, 136, 256, { 0 } },
    { 39, 17, 32, {} },
};

struct Case {
    const Format & format;
    int            rows, length, tokens;
    bool           is_uneven;  // tokens lie in any order
};

std::vector<uint8_t> make_rows(const Case & c, std::mt19937 & random) {
    std::vector<uint8_t> bytes((size_t) c.rows * c.length / c.format.values * c.format.bytes);
    for (uint8_t & byte : bytes) {
        byte = (uint8_t) random();
    }
    for (size_t block = 0; block < bytes.size(); block += c.format.bytes) {
        for (int place : c.format.halves) {
            const uint16_t factors[] = { 0x3c00, 0x3800, 0xbc00, 0xb800, 0 };  // 1, 1/2, -1, -1/2, 0
            std::memcpy(&bytes[block + place], &factors[random() % 5], 2);
        }
        if (c.format.type == 39) {
            bytes[block] = (uint8_t) (126 + bytes[block] % 3);
        }
    }
    return bytes;
}

std::vector<float> make_activations(const Case & c, std::mt19937 & random) {
    std::vector<float> x((size_t) c.tokens * c.length);
    for (size_t i = 0; i < x.size(); ++i) {
        x[i] = (float) ((int) (random() % 255) - 127);
        if (i % 32 == 0) {
            x[i + random() % 32] = random() % 2 ? 127.0f : -127.0f;
            x[i]                 = 127.0f;
        }
    }
    return x;
}

std::vector<float> multiply(const Kernel & kernel, const Case & c, const std::vector<uint8_t> & weights, const std::vector<float> & x) {
    const size_t       row_bytes = (size_t) c.length / c.format.values * c.format.bytes, act_bytes = kernel.slab * (c.length / 32);
    std::vector<char>  acts(act_bytes * c.tokens + 64), scratch(kernel.scratch + 64);
    std::vector<float> out((size_t) c.tokens * c.rows);
    std::vector<const void *> act_rows(c.tokens);
    std::vector<float *>      out_rows(c.tokens);
    for (int t = 0; t < c.tokens; ++t) {
        // Neighbours change places.
        const int place = c.is_uneven ? std::min(t ^ 1, c.tokens - 1 - (c.tokens % 2 && t != c.tokens - 1)) : t;
        char *    at    = acts.data() + place * act_bytes;
        kernel.prepare(&x[(size_t) t * c.length], c.length, at);
        act_rows[t] = at;
    }
    for (int row = 0; row < c.rows; row += kernel.rows) {
        for (int t = 0; t < c.tokens; ++t) {
            out_rows[t] = &out[(size_t) t * c.rows + row];
        }
        Job job{};
        job.weights   = &weights[row * row_bytes];
        job.row_bytes = row_bytes;
        job.rows      = std::min(kernel.rows, c.rows - row);
        job.length    = c.length;
        job.acts      = act_rows.data();
        job.outs      = out_rows.data();
        job.tokens    = c.tokens;
        job.scratch   = (void *) (((size_t) scratch.data() + 63) / 64 * 64);
        kernel.product(job);
    }
    return out;
}

// Somebody else's shapes, as ggml's: set once and relied on afterwards.
struct alignas(64) Shapes {
    uint8_t palette, bytes[63];
};

bool is_right(const Case & c, const Shapes & theirs, std::mt19937 & random) {
    const auto weights = make_rows(c, random);
    const auto x       = make_activations(c, random);
    const auto expected = multiply(portable()->kernels[c.format.type], c, weights, x);
    emulated::load_shapes(theirs);
    const auto found = multiply(amx_int8()->kernels[c.format.type], c, weights, x);
    if (std::memcmp(emulated::tiles.shapes, &theirs, 64) != 0) {
        std::printf("FAIL type %d: tiles were left in another state\n", c.format.type);
        return false;
    }
    for (size_t i = 0; i < found.size(); ++i) {
        if (found[i] != expected[i]) {
            std::printf("FAIL type %d rows=%d length=%d tokens=%d: %g, not %g, at %zu\n", c.format.type, c.rows, c.length,
                        c.tokens, found[i], expected[i], i);
            return false;
        }
    }
    return true;
}

}  // namespace

int main() {
    int          n_checks = 0, n_failures = 0;
    std::mt19937 random(5);
    Shapes       none{}, theirs{};
    theirs.palette       = 1;
    theirs.bytes[16 - 1] = 64;  // of tile 0
    theirs.bytes[48 - 1] = 8;
    for (const Format & format : kFormats) {
        for (const int tokens : { 1, 2, 5, 15, 16, 17, 33, 48 }) {
            for (const int rows : { 1, 16, 31, 32, 37 }) {
                // An odd number of runs, and one that takes several passes over a row.
                const int blocks = format.values == 32 ? (rows == 37 ? 51 : 1 + tokens % 4) : (rows == 37 ? 5 : 1);
                for (const bool is_uneven : { false, true }) {
                    ++n_checks;
                    n_failures += !is_right({ format, rows, blocks * format.values, tokens, is_uneven }, is_uneven ? theirs : none, random);
                }
            }
        }
    }
    std::printf("%d checks, %d failures\n", n_checks, n_failures);
    return n_failures == 0 ? 0 : 1;
}
