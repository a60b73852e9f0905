// Numbers as weight files store them: half precision, bfloat16, powers of two, bits spread over bytes.
//
// Headers that are compiled once for each instruction set keep all definitions in a namespace of that set:
// the linker would otherwise pick one copy of an inline function for all, perhaps one that this CPU cannot run.

#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__F16C__) || defined(_M_X64)
#include <immintrin.h>
#endif

namespace coblyn::kernels::COBLYN_ISA {

template <class To, class From> inline To bit_cast(From from) {
    static_assert(sizeof(To) == sizeof(From), "a bit cast keeps the size");
    To to;
    std::memcpy(&to, &from, sizeof to);
    return to;
}

template <class T> inline T load(const void * from) {
    T value;
    std::memcpy(&value, from, sizeof value);
    return value;
}

// Data that will be read soon; any address is valid.
inline void prefetch(const char * at, size_t size) {
    for (size_t i = 0; i < size; i += 64) {
#if defined(__GNUC__)
        __builtin_prefetch(at + i);
#elif defined(_M_X64)
        _mm_prefetch(at + i, _MM_HINT_T0);
#endif
    }
}

// IEEE half precision, including subnormals, infinities and NaN.
inline float half_to_float(uint16_t h) {
#if defined(__F16C__)
    return _cvtsh_ss(h);
#elif defined(__ARM_FP16_FORMAT_IEEE)
    return (float) bit_cast<__fp16>(h);
#else
    const uint32_t sign     = (uint32_t) (h & 0x8000) << 16;
    const uint32_t exponent = (h >> 10) & 31;
    const uint32_t fraction = h & 1023;
    if (exponent == 0) {
        const float value = (float) fraction * 0x1p-24f;
        return sign ? -value : value;
    }
    return bit_cast<float>(sign | (exponent == 31 ? 255u : exponent + 112) << 23 | fraction << 13);
#endif
}

inline float bfloat_to_float(uint16_t h) {
    return bit_cast<float>((uint32_t) h << 16);
}

// Half of the power of two that an E8M0 byte stands for: 2^(e - 128). The two smallest are subnormal.
inline float half_of_e8m0(uint8_t e) {
    return bit_cast<float>(e < 2 ? 0x00200000u << e : (uint32_t) (e - 1) << 23);
}

// Bit i of `bits` to byte i of the result, as 16: the fifth bit of a code.
inline uint64_t fifth_bits(uint8_t bits) {
    const uint64_t chosen = (bits * 0x0101010101010101ull) & 0x8040201008040201ull;
    return ((chosen + 0x7f7f7f7f7f7f7f7full) >> 3) & 0x1010101010101010ull;
}

}  // namespace coblyn::kernels::COBLYN_ISA
