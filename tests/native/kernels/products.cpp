// Every kernel of every instruction set that this machine runs, against double precision.
//
//   products [set] [type]      only that set or type
//
// Weights are random blocks, and blocks made to hurt: all scales zero, scales that are infinite or subnormal, the
// greatest codes everywhere. Rows are odd in number, lie unaligned, and meet 1 to 1000 tokens. The error is
// measured against ggml's dequantized weights times the activations, in double, and must not exceed ggml's own
// (its dot product over activations that it quantizes its way), by more than noise. One line a failure; the last
// line counts.

#include "kernel.h"

#include "ggml-cpu.h"
#include "ggml.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <random>
#include <vector>

using namespace coblyn::kernels;

namespace {

int n_failures = 0, n_checks = 0;

enum class Blocks { plain, zero_scales, small_scales, extreme_codes, infinite_scales };

const char * name_of(Blocks blocks) {
    const char * names[] = { "plain", "zero scales", "subnormal scales", "extreme codes", "infinite scales" };
    return names[(int) blocks];
}

// Where a block keeps its half-precision factors; -1 ends the list.
std::vector<int> factor_places(ggml_type type) {
    switch (type) {
        case GGML_TYPE_Q4_1:
        case GGML_TYPE_Q5_1:
        case GGML_TYPE_Q4_K:
        case GGML_TYPE_Q5_K: return { 0, 2 };
        case GGML_TYPE_Q2_K: return { 80, 82 };
        case GGML_TYPE_Q3_K: return { 108 };
        case GGML_TYPE_Q6_K: return { 208 };
        default: return { 0 };
    }
}

struct Weights {
    ggml_type            type;
    int64_t              rows, length;
    size_t               row_bytes;
    std::vector<uint8_t> memory;
    size_t               start;

    uint8_t * row(int64_t i) { return memory.data() + start + i * row_bytes; }
};

// Rows begin at an odd address where the format allows it (floats do not), and have a gap between them.
Weights make_weights(ggml_type type, int64_t rows, int64_t length, Blocks blocks, std::mt19937 & random) {
    const bool is_float = ggml_blck_size(type) == 1;
    Weights    w{ type, rows, length, ggml_row_size(type, length) + (is_float ? 6 : 3), {}, is_float ? 2u : 1u };
    w.memory.assign(w.start + rows * w.row_bytes + 64, 0);
    std::normal_distribution<float> normal;
    std::vector<float>              values(length);
    for (int64_t r = 0; r < rows; ++r) {
        for (float & value : values) {
            value = normal(random);
        }
        ggml_quantize_chunk(type, values.data(), w.row(r), 0, 1, length, nullptr);
        if (is_float || blocks == Blocks::plain) {
            continue;
        }
        for (size_t b = 0; b < ggml_row_size(type, length); b += ggml_type_size(type)) {
            uint8_t * block = w.row(r) + b;
            if (blocks == Blocks::extreme_codes) {
                std::vector<uint8_t> kept(block, block + ggml_type_size(type));
                const uint8_t        fill = random() % 2 ? 0xff : 0x00;
                std::memset(block, type == GGML_TYPE_Q8_0 && random() % 2 ? 0x80 : fill, ggml_type_size(type));
                if (type == GGML_TYPE_MXFP4) {
                    block[0] = kept[0];
                    continue;
                }
                for (int place : factor_places(type)) {
                    std::memcpy(block + place, &kept[place], 2);
                }
                continue;
            }
            const uint16_t special[] = { 0, (uint16_t) (1 + random() % 1023), 0, (uint16_t) (random() % 2 ? 0x7c00 : 0xfc00) };
            if (type == GGML_TYPE_MXFP4) {
                block[0] = blocks == Blocks::small_scales ? (uint8_t) (random() % 3) : block[0];
                continue;
            }
            // One infinite block a row is enough to see what becomes of it.
            if (blocks == Blocks::infinite_scales && (b != 0 || r % 2 == 0)) {
                continue;
            }
            for (int place : factor_places(type)) {
                std::memcpy(block + place, &special[blocks == Blocks::infinite_scales ? 3 : (int) blocks - 1], 2);
            }
        }
    }
    return w;
}

// Number `i` of the eight pairs of 6-bit numbers in 12 bytes.
void scale_and_min(const uint8_t * packed, int i, uint8_t & scale, uint8_t & min) {
    scale = i < 4 ? packed[i] & 63 : (uint8_t) ((packed[i + 4] & 15) | packed[i - 4] >> 6 << 4);
    min   = i < 4 ? packed[i + 4] & 63 : (uint8_t) (packed[i + 4] >> 4 | packed[i] >> 6 << 4);
}

// The heads of eight Q4_K blocks: all d, all dmin, and for each slab the rows' scales and constants where a block has the
// slabs'.
void put_heads(const uint8_t * const * blocks, uint8_t * to) {
    for (int row = 0; row < 8; ++row) {
        std::memcpy(to + 2 * row, blocks[row], 2);
        std::memcpy(to + 16 + 2 * row, blocks[row] + 2, 2);
    }
    for (int slab = 0; slab < 8; ++slab) {
        uint8_t scales[8], mins[8], *packed = to + 32 + 12 * slab;
        for (int row = 0; row < 8; ++row) {
            scale_and_min(blocks[row] + 4, slab, scales[row], mins[row]);
        }
        for (int i = 0; i < 4; ++i) {
            packed[i]     = (uint8_t) (scales[i] | scales[i + 4] >> 4 << 6);
            packed[i + 4] = (uint8_t) (mins[i] | mins[i + 4] >> 4 << 6);
            packed[i + 8] = (uint8_t) ((scales[i + 4] & 15) | (mins[i + 4] & 15) << 4);
        }
    }
}

// The same rows, eight at a time in one block, as ggml repacks them (its Q4_0 and Q4_K of eight rows by eight bytes).
Weights interleaved(Weights & w) {
    const size_t block = ggml_type_size(w.type), head = w.type == GGML_TYPE_Q4_K ? 16 : 2, size = ggml_row_size(w.type, w.length);
    Weights      to{ w.type, w.rows, w.length, size, std::vector<uint8_t>(size * w.rows), 0 };
    for (int64_t row = 0; row < w.rows; row += 8) {
        for (size_t at = 0; at < size; at += block) {
            uint8_t *       group = to.row(row) + 8 * at;
            const uint8_t * blocks[8];
            for (int i = 0; i < 8; ++i) {
                blocks[i] = w.row(row + i) + at;
                std::memcpy(group + head * i, blocks[i], head);
            }
            if (w.type == GGML_TYPE_Q4_K) {
                put_heads(blocks, group);
            }
            for (size_t i = 8 * head; i < 8 * block; ++i) {
                const size_t code = i - 8 * head;
                group[i] = blocks[code / 8 % 8][head + code / 64 * 8 + code % 8] ^ (w.type == GGML_TYPE_Q4_0 ? 0x88 : 0);
            }
        }
    }
    return to;
}

double squared(double x) {
    return x * x;
}

struct Case {
    ggml_type type;
    int64_t   rows, length, tokens;
    Blocks    blocks;
    bool      is_interleaved = false;
};

void fail(const InstructionSet & set, const Case & c, const char * what, double got, double limit) {
    ++n_failures;
    std::printf("FAIL %s %s rows=%lld length=%lld tokens=%lld %s: %s %.3g (limit %.3g)\n", set.name,
                ggml_type_name(c.type), (long long) c.rows, (long long) c.length, (long long) c.tokens,
                name_of(c.blocks), what, got, limit);
}

// All rows times all tokens with a kernel.
std::vector<float> multiply(const Kernel & kernel, Weights w, bool is_interleaved, const std::vector<float> & x, int64_t tokens) {
    const size_t       act_bytes = kernel.slab * ((w.length + kernel.piece - 1) / kernel.piece * kernel.piece / 32);
    // Not aligned to more than 4, as pieces of a larger memory are.
    std::vector<char>  acts(act_bytes * tokens + 64), scratch(kernel.scratch + 128);
    char *             first = (char *) (((size_t) acts.data() + 63) / 64 * 64);
    std::vector<float> out(tokens * (w.rows + 1), NAN);
    std::vector<const void *> act_rows(tokens);
    std::vector<float *>      out_rows(tokens);
    for (int64_t t = 0; t < tokens; ++t) {
        act_rows[t] = x.data() + t * w.length;
        if (kernel.slab != 0) {
            for (int64_t i = 0; i < w.length; i += kernel.piece) {
                kernel.prepare(x.data() + t * w.length + i, std::min<int64_t>(kernel.piece, w.length - i),
                               first + t * act_bytes + kernel.slab * (i / 32));
            }
            act_rows[t] = first + t * act_bytes;
        }
    }
    for (int64_t row = 0; row < w.rows; row += kernel.rows) {
        for (int64_t t = 0; t < tokens; ++t) {
            out_rows[t] = out.data() + t * (w.rows + 1) + row;
        }
        Job job{};
        job.weights   = w.row(row);
        job.row_bytes = w.row_bytes;
        job.is_interleaved = is_interleaved;
        job.rows      = (int) std::min<int64_t>(kernel.rows, w.rows - row);
        job.length    = w.length;
        job.acts      = act_rows.data();
        job.outs      = out_rows.data();
        job.tokens    = (int) tokens;
        job.scratch   = (void *) (((size_t) scratch.data() + 63) / 64 * 64);
        kernel.product(job);
    }
    return out;
}

void check(const InstructionSet & set, const Kernel & kernel, const Case & c, std::mt19937 & random) {
    ++n_checks;
    Weights        w      = make_weights(c.type, c.rows, c.length, c.blocks, random);
    std::normal_distribution<float> normal;
    std::vector<float>              x(c.tokens * c.length);
    for (float & value : x) {
        value = normal(random);
    }
    if (c.tokens > 2) {
        std::fill(x.begin(), x.begin() + c.length, 0.0f);  // a token of nothing
        for (int64_t i = 0; i < c.length; ++i) {            // and one of the greatest codes
            x[c.length + i] = random() % 2 ? 3.0f : -3.0f;
        }
    }
    const std::vector<float> out = multiply(kernel, c.is_interleaved ? interleaved(w) : w, c.is_interleaved, x, c.tokens);

    const ggml_type_traits_cpu * cpu   = ggml_get_type_traits_cpu(c.type);
    const ggml_type              dot   = cpu->vec_dot_type;
    const size_t                 dot_bytes = ggml_row_size(dot, c.length);
    std::vector<char>            dot_row(dot_bytes);
    std::vector<float>           plain(c.rows * c.length);
    // ggml wants even addresses.
    std::vector<uint8_t>         aligned_rows(ggml_row_size(c.type, c.length) * c.rows);
    for (int64_t r = 0; r < c.rows; ++r) {
        uint8_t * to = aligned_rows.data() + r * ggml_row_size(c.type, c.length);
        std::memcpy(to, w.row(r), ggml_row_size(c.type, c.length));
        ggml_get_type_traits(c.type)->to_float(to, plain.data() + r * c.length, c.length);
    }
    double ours = 0, theirs = 0, square = 0;
    for (int64_t t = 0; t < c.tokens; ++t) {
        const float * xs = x.data() + t * c.length;
        ggml_get_type_traits_cpu(dot)->from_float(xs, dot_row.data(), c.length);
        for (int64_t r = 0; r < c.rows; ++r) {
            double exact = 0;
            for (int64_t i = 0; i < c.length; ++i) {
                exact += (double) plain[r * c.length + i] * xs[i];
            }
            const float got = out[t * (c.rows + 1) + r];
            if (!std::isfinite(exact)) {
                if (std::isfinite(got)) {
                    fail(set, c, "finite where it must not be", got, 0);
                    return;
                }
                continue;
            }
            if (!std::isfinite(got)) {
                fail(set, c, "not finite", (double) r, 0);
                return;
            }
            float their = 0;
            cpu->vec_dot((int) c.length, &their, 0, aligned_rows.data() + r * ggml_row_size(c.type, c.length), 0,
                         dot_row.data(), 0, 1);
            ours += squared(got - exact);
            theirs += squared(their - exact);
            square += squared(exact);
        }
        if (!std::isnan(out[t * (c.rows + 1) + c.rows])) {
            fail(set, c, "wrote past the row of results", 0, 0);
            return;
        }
    }
    if (square == 0) {
        if (ours != 0) {
            fail(set, c, "not zero", ours, 0);
        }
        return;
    }
    // Of few results chance decides; sums of subnormal numbers round to nothing on both sides.
    const bool   is_few = c.rows * c.tokens < 200;
    const double noise  = ggml_blck_size(c.type) == 1 ? 1e-12 : is_few ? 2e-4 : c.blocks == Blocks::plain ? 0 : 1e-5;
    const double limit  = theirs / square * 1.03 + noise;
    if (!(ours / square <= limit)) {
        fail(set, c, "error", ours / square, limit);
    }
}

void check_kernel(const InstructionSet & set, const Kernel & kernel, ggml_type type) {
    std::mt19937  random(7);
    const int64_t block = ggml_blck_size(type);
    for (const int64_t tokens : { 1, 2, 3, 4, 5, 6, 7, 8, 13, 64, 257, 1000 }) {
        for (const int64_t rows : { 1, 3, 16, 37, 64 }) {
            if (tokens * rows <= (kernel.is_few ? 500 : 20000)) {
                const int     multiple = kernel.multiple;
                const int64_t base     = block == 1 ? (multiple == 1 ? 33 : multiple) : block;
                check(set, kernel, { type, rows, base * (block == 256 ? 1 + (tokens % 3) : 1 + tokens % 40), tokens, Blocks::plain }, random);
            }
        }
    }
    check(set, kernel, { type, 48, 2048, 40, Blocks::plain }, random);
    check(set, kernel, { type, 33, 2816, 9, Blocks::plain }, random);
    if (block > 1) {
        for (const Blocks blocks : { Blocks::zero_scales, Blocks::small_scales, Blocks::extreme_codes, Blocks::infinite_scales }) {
            check(set, kernel, { type, 37, 1024, 7, blocks }, random);
        }
    }
}

void check_interleaved(const InstructionSet & set, const Kernel & kernel, ggml_type type) {
    std::mt19937 random(13);
    for (const int64_t tokens : { 1, 2, 3, 4, 5, 7 }) {
        for (const int64_t rows : { 8, 40 }) {
            check(set, kernel, { type, rows, ggml_blck_size(type) * (1 + tokens), tokens, Blocks::plain, true }, random);
        }
    }
    for (const Blocks blocks : { Blocks::zero_scales, Blocks::small_scales, Blocks::extreme_codes, Blocks::infinite_scales }) {
        check(set, kernel, { type, 32, 1024, 3, blocks, true }, random);
    }
}

// A row of few tokens may end after any block of a chunk.
void check_ends(const InstructionSet & set, const Kernel & kernel, ggml_type type) {
    std::mt19937 random(11);
    for (int64_t blocks = 1; blocks <= 33; ++blocks) {
        check(set, kernel, { type, 5, blocks * ggml_blck_size(type), 1 + blocks % 4, Blocks::plain }, random);
    }
}

void check_type(const InstructionSet & set, ggml_type type) {
    check_kernel(set, set.kernels[type], type);
    if (type == GGML_TYPE_Q4_0 || type == GGML_TYPE_Q4_K) {
        check_interleaved(set, set.kernels[type], type);
    }
    if (set.few_interleaved[type].rows > 0) {
        check_interleaved(set, set.few_interleaved[type], type);
    }
    if (set.few[type].rows > 0) {
        check_kernel(set, set.few[type], type);
        check_ends(set, set.few[type], type);
    }
}

#if defined(COBLYN_TEST_EMULATED)
}  // namespace

// Without the real one: all that was compiled, in emulation, is usable.
const InstructionSet * const * coblyn::kernels::usable_sets() {
    static const InstructionSet * const sets[] = { avx_vnni(), avx512_vnni(), avx512_bf16(), nullptr };
    return sets;
}

namespace {
#endif

}  // namespace

int main(int argc, char ** argv) {
    ggml_cpu_init();
    for (const InstructionSet * const * it = usable_sets(); *it != nullptr; ++it) {
        if (argc > 1 && std::strcmp(argv[1], (*it)->name) != 0 && std::strcmp(argv[1], "all") != 0) {
            continue;
        }
        for (int type = 0; type < GGML_TYPE_COUNT; ++type) {
            if ((*it)->kernels[type].rows > 0 && (argc < 3 || std::strcmp(argv[2], ggml_type_name((ggml_type) type)) == 0)) {
                check_type(**it, (ggml_type) type);
            }
        }
    }
    std::printf("%d checks, %d failures\n", n_checks, n_failures);
    return n_failures == 0 ? 0 : 1;
}
