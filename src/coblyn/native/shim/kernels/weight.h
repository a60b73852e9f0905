// One unpacker per weight type: from a block of a model file to plain 8-bit codes with their factors.
//
// A type here is a structure with
//
//   kType       ggml's number of the type
//   kBytes      bytes of a block
//   kSlabs      how many slabs (runs of 32 values) a block holds
//   kOffset     what to subtract from a code to get the number that the scale multiplies
//   kIsSigned   codes fill all 8 bits and are signed (kOffset is 0); otherwise they are 0..63
//   kHasMin     a constant is added to all 32 values of a slab
//   kHasSub     each half of a slab has an integer factor on top of the slab's scale
//   kHasSubMin  each half of a slab has an integer factor of the constant
//   unpack      block -> 32 * kSlabs codes in the order of the values, one Factors per slab
//   unpack8     the same for row `row` of eight rows that ggml has interleaved (only where it does)
//
//   value = scale * sub * (code - kOffset) + min * submin      (sub, submin: 1 where there is none)
//
// The layouts are those of ggml's file formats (ggml-common.h of the pinned source). Little-endian.

#pragma once

#include "codes.h"

#include <cstdint>
#include <cstring>
#include <type_traits>

namespace coblyn::kernels::COBLYN_ISA {

constexpr int kSlab = 32;  // values that share a scale of the activations

struct Factors {
    float   scale;
    float   min;
    int16_t sub[2];
    int16_t submin[2];
};

// What most types have in common.
template <int type, int bytes, int slabs> struct Weight {
    static constexpr int  kType = type, kBytes = bytes, kSlabs = slabs, kOffset = 0;
    static constexpr bool kIsSigned = false, kHasMin = false, kHasSub = false, kHasSubMin = false;
    static constexpr bool kHasInterleaved = false;
};

// Eight interleaved rows of blocks with 16 code bytes: first the eight heads of `head` bytes, then for
// each half of the code bytes eight bytes of every row.
inline void gather16(const uint8_t * group, int row, int head, uint8_t * codes) {
    std::memcpy(codes, group + 8 * head + 8 * row, 8);
    std::memcpy(codes + 8, group + 8 * head + 64 + 8 * row, 8);
}

// Half d, 16 bytes of codes.
struct Q4_0 : Weight<2, 18, 1> {
    static constexpr int  kOffset         = 8;
    static constexpr bool kHasInterleaved = true;

    static void unpack(const uint8_t * block, int8_t * codes, Factors * factors) {
        unpack_halves(block + 2, codes);
        factors->scale = half_to_float(load<uint16_t>(block));
    }

    // Interleaved codes are signed: their highest bit is flipped.
    static void unpack8(const uint8_t * group, int row, int8_t * codes, Factors * factors) {
        uint8_t pairs[16];
        gather16(group, row, 2, pairs);
        for (uint8_t & pair : pairs) {
            pair ^= 0x88;
        }
        unpack_halves(pairs, codes);
        factors->scale = half_to_float(load<uint16_t>(group + 2 * row));
    }
};

// Half d, half m, 16 bytes of codes.
struct Q4_1 : Weight<3, 20, 1> {
    static constexpr bool kHasMin = true;

    static void unpack(const uint8_t * block, int8_t * codes, Factors * factors) {
        unpack_halves(block + 4, codes);
        factors->scale = half_to_float(load<uint16_t>(block));
        factors->min   = half_to_float(load<uint16_t>(block + 2));
    }
};

// Half d, 4 bytes of fifth bits, 16 bytes of codes.
struct Q5_0 : Weight<6, 22, 1> {
    static constexpr int kOffset = 16;

    static void unpack(const uint8_t * block, int8_t * codes, Factors * factors) {
        unpack_fives(block + 6, block + 2, codes);
        factors->scale = half_to_float(load<uint16_t>(block));
    }
};

// Half d, half m, 4 bytes of fifth bits, 16 bytes of codes. The constant is shifted by 16 d, so that codes
// are small on both sides of zero.
struct Q5_1 : Weight<7, 24, 1> {
    static constexpr int  kOffset = 16;
    static constexpr bool kHasMin = true;

    static void unpack(const uint8_t * block, int8_t * codes, Factors * factors) {
        unpack_fives(block + 8, block + 4, codes);
        factors->scale = half_to_float(load<uint16_t>(block));
        factors->min   = half_to_float(load<uint16_t>(block + 2)) + 16 * factors->scale;
    }
};

// Half d, 32 signed bytes.
struct Q8_0 : Weight<8, 34, 1> {
    static constexpr bool kIsSigned = true;

    static void unpack(const uint8_t * block, int8_t * codes, Factors * factors) {
        std::memcpy(codes, block + 2, 32);
        factors->scale = half_to_float(load<uint16_t>(block));
    }
};

// 16 bytes with scale (low half) and constant (high half) of 16 values each, 64 bytes of 2-bit codes,
// half d, half dmin. Byte i of each 32 code bytes holds values i, i + 32, i + 64 and i + 96.
struct Q2_K : Weight<10, 84, 8> {
    static constexpr bool kHasMin = true, kHasSub = true, kHasSubMin = true;

    static void unpack(const uint8_t * block, int8_t * codes, Factors * factors) {
        const float d   = half_to_float(load<uint16_t>(block + 80));
        const float min = -half_to_float(load<uint16_t>(block + 82));
        for (int s = 0; s < 8; ++s) {
            const uint8_t * bytes = block + 16 + 32 * (s / 4);
            unpack_bits(bytes, 2 * (s % 4), 3, codes + 32 * s);
            factors[s].scale = d;
            factors[s].min   = min;
            for (int h = 0; h < 2; ++h) {
                factors[s].sub[h]    = block[2 * s + h] & 15;
                factors[s].submin[h] = block[2 * s + h] >> 4;
            }
        }
    }
};

// 32 bytes of third bits (bit s of byte i: value 32 s + i), 64 bytes of 2-bit codes as in Q2_K, 12 bytes
// with sixteen 6-bit scales, half d.
struct Q3_K : Weight<11, 110, 8> {
    static constexpr int  kOffset = 4;
    static constexpr bool kHasSub = true;

    static void unpack(const uint8_t * block, int8_t * codes, Factors * factors) {
        const uint8_t * packed = block + 96;
        const float     d      = half_to_float(load<uint16_t>(block + 108));
        for (int s = 0; s < 8; ++s) {
            const uint8_t * bytes = block + 32 + 32 * (s / 4);
            unpack_parts(bytes, 2 * (s % 4), 3, block, s, 1, 2, codes + 32 * s);
            factors[s].scale = d;
            for (int h = 0; h < 2; ++h) {
                const int j          = 2 * s + h;
                const int low        = packed[j % 8] >> (j / 8 * 4) & 15;
                const int high       = packed[8 + j % 4] >> (j / 4 * 2) & 3;
                factors[s].sub[h]    = (int16_t) ((low | high << 4) - 32);
            }
        }
    }
};

// Scale and constant `i` of the eight pairs of 6-bit numbers in 12 bytes.
inline void scale_and_min(const uint8_t * packed, int i, int & scale, int & min) {
    if (i < 4) {
        scale = packed[i] & 63;
        min   = packed[i + 4] & 63;
    } else {
        scale = (packed[i + 4] & 15) | (packed[i - 4] >> 6) << 4;
        min   = (packed[i + 4] >> 4) | (packed[i] >> 6) << 4;
    }
}

// Half d, half dmin, 12 bytes of scales, 128 bytes of codes.
struct Q4_K : Weight<12, 144, 8> {
    static constexpr bool kHasMin         = true;
    static constexpr bool kHasInterleaved = true;

    static void unpack(const uint8_t * block, int8_t * codes, Factors * factors) {
        const float d   = half_to_float(load<uint16_t>(block));
        const float min = half_to_float(load<uint16_t>(block + 2));
        for (int s = 0; s < 8; ++s) {
            int scale, constant;
            scale_and_min(block + 4, s, scale, constant);
            factors[s].scale = d * (float) scale;
            factors[s].min   = -min * (float) constant;
            unpack_bits(block + 16 + 32 * (s / 2), 4 * (s % 2), 15, codes + 32 * s);
        }
    }

    // Eight d, eight dmin; for each slab 12 bytes with the scales and constants of the eight rows; then
    // eight code bytes of every row, sixteen times.
    static void unpack8(const uint8_t * group, int row, int8_t * codes, Factors * factors) {
        const float d   = half_to_float(load<uint16_t>(group + 2 * row));
        const float min = half_to_float(load<uint16_t>(group + 16 + 2 * row));
        uint8_t pairs[128];
        for (int i = 0; i < 16; ++i) {
            std::memcpy(pairs + 8 * i, group + 128 + 64 * i + 8 * row, 8);
        }
        for (int s = 0; s < 8; ++s) {
            int scale, constant;
            scale_and_min(group + 32 + 12 * s, row, scale, constant);
            factors[s].scale = d * (float) scale;
            factors[s].min   = -min * (float) constant;
            unpack_bits(pairs + 32 * (s / 2), 4 * (s % 2), 15, codes + 32 * s);
        }
    }
};

// As Q4_K, with 32 bytes of fifth bits (bit s of byte i: value 32 s + i) before the codes.
struct Q5_K : Weight<13, 176, 8> {
    static constexpr int  kOffset = 16;
    static constexpr bool kHasMin = true;

    static void unpack(const uint8_t * block, int8_t * codes, Factors * factors) {
        const float     d    = half_to_float(load<uint16_t>(block));
        const float     min  = half_to_float(load<uint16_t>(block + 2));
        const uint8_t * high = block + 16;
        for (int s = 0; s < 8; ++s) {
            int scale, constant;
            scale_and_min(block + 4, s, scale, constant);
            factors[s].scale = d * (float) scale;
            factors[s].min   = 16 * factors[s].scale - min * (float) constant;
            unpack_parts(block + 48 + 32 * (s / 2), 4 * (s % 2), 15, high, s, 1, 4, codes + 32 * s);
        }
    }
};

// 128 bytes of low halves, 64 bytes of upper 2 bits, 16 signed scales, half d. For each 128 values: byte
// i of 64 holds values i and i + 64, byte i of 32 the upper bits of i, i + 32, i + 64 and i + 96.
struct Q6_K : Weight<14, 210, 8> {
    static constexpr int  kOffset = 32;
    static constexpr bool kHasSub = true;

    static void unpack(const uint8_t * block, int8_t * codes, Factors * factors) {
        const float d = half_to_float(load<uint16_t>(block + 208));
        for (int s = 0; s < 8; ++s) {
            const uint8_t * low   = block + 64 * (s / 4) + 32 * (s % 2);
            const uint8_t * high  = block + 128 + 32 * (s / 4);
            const int       shift = s % 4 / 2 * 4;
            unpack_parts(low, shift, 15, high, 2 * (s % 4), 3, 4, codes + 32 * s);
            factors[s].scale = d;
            for (int h = 0; h < 2; ++h) {
                factors[s].sub[h] = (int8_t) block[192 + 2 * s + h];
            }
        }
    }
};

// The sixteen values of the non-linear 4-bit types.
constexpr Table kNonLinear = { { -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113 } };

// Half d, 16 bytes of indices into the table.
struct IQ4_NL : Weight<20, 18, 1> {
    static constexpr bool kIsSigned       = true;
    static constexpr bool kHasInterleaved = true;

    static void unpack(const uint8_t * block, int8_t * codes, Factors * factors) {
        unpack_indices(block + 2, kNonLinear, codes);
        factors->scale = half_to_float(load<uint16_t>(block));
    }

    static void unpack8(const uint8_t * group, int row, int8_t * codes, Factors * factors) {
        uint8_t pairs[16];
        gather16(group, row, 2, pairs);
        unpack_indices(pairs, kNonLinear, codes);
        factors->scale = half_to_float(load<uint16_t>(group + 2 * row));
    }
};

// Half d, 16 bits with the upper 2 bits of eight scales, 4 bytes with their low halves, 128 bytes of
// indices into the table.
struct IQ4_XS : Weight<23, 136, 8> {
    static constexpr bool kIsSigned = true;

    static void unpack(const uint8_t * block, int8_t * codes, Factors * factors) {
        const float    d    = half_to_float(load<uint16_t>(block));
        const uint16_t high = load<uint16_t>(block + 2);
        for (int s = 0; s < 8; ++s) {
            const int low    = block[4 + s / 2] >> (s % 2 * 4) & 15;
            factors[s].scale = d * (float) ((low | (high >> (2 * s) & 3) << 4) - 32);
            unpack_indices(block + 8 + 16 * s, kNonLinear, codes + 32 * s);
        }
    }
};

// An E8M0 scale, 16 bytes of 4-bit floating-point numbers; codes are twice their values, plus 12.
struct MXFP4 : Weight<39, 17, 1> {
    static constexpr int   kOffset         = 12;
    static constexpr bool  kHasInterleaved = true;
    static constexpr Table kCodes          = { { 12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0 } };

    static void unpack(const uint8_t * block, int8_t * codes, Factors * factors) {
        unpack_indices(block + 1, kCodes, codes);
        factors->scale = half_of_e8m0(block[0]);
    }

    static void unpack8(const uint8_t * group, int row, int8_t * codes, Factors * factors) {
        uint8_t pairs[16];
        gather16(group, row, 1, pairs);
        unpack_indices(pairs, kCodes, codes);
        factors->scale = half_of_e8m0(group[row]);
    }
};

// Types without blocks: products of floating-point numbers.
struct F16 {
    static constexpr int kType = 1;

    static float value(uint16_t bits) { return half_to_float(bits); }
};

struct BF16 {
    static constexpr int kType = 30;

    static float value(uint16_t bits) { return bfloat_to_float(bits); }
};

}  // namespace coblyn::kernels::COBLYN_ISA
