// The instructions of AMX on tiles 0 to 7, as functions.
//
// They are written out as assembly: with GCC 11 to 13 the intrinsic that loads the configuration reads 8 of its 64 bytes,
// and the stores that fill it are thrown away (gcc.gnu.org/bugzilla/show_bug.cgi?id=114098); the one that loads a tile
// does not say that it reads memory.

#pragma once

#include <cstddef>
#include <cstdint>

namespace coblyn::kernels::COBLYN_ISA {

// The operand of ldtilecfg and sttilecfg. Palette 0: tiles are not in use.
struct alignas(64) TileShapes {
    uint8_t  palette;
    uint8_t  start_row;
    uint8_t  unused[14];
    uint16_t row_bytes[8];
    uint8_t  more_unused[16];
    uint8_t  rows[8];
    uint8_t  yet_more_unused[8];
};
static_assert(sizeof(TileShapes) == 64, "as the instruction reads it");

#if defined(COBLYN_EMULATED)

using emulated::clear_tile;
using emulated::load_shapes;
using emulated::load_tile;
using emulated::multiply_tiles;
using emulated::store_shapes;
using emulated::store_tile;

#else

// All tiles become zero.
inline void load_shapes(const TileShapes & shapes) {
    if (shapes.palette == 0) {
        __asm__ volatile("tilerelease" ::: "memory");
    } else {
        __asm__ volatile("ldtilecfg %0" ::"m"(shapes) : "memory");
    }
}

inline void store_shapes(TileShapes & shapes) {
    __asm__ volatile("sttilecfg %0" : "=m"(shapes)::"memory");
}

// Row r is read from, and written to, r times `stride` bytes after `at`.
template <int tile> inline void load_tile(const void * at, size_t stride) {
    __asm__ volatile("tileloadd (%0,%1,1), %%tmm%c2" ::"r"(at), "r"(stride), "i"(tile) : "memory");
}

template <int tile> inline void store_tile(void * at, size_t stride) {
    __asm__ volatile("tilestored %%tmm%c2, (%0,%1,1)" ::"r"(at), "r"(stride), "i"(tile) : "memory");
}

template <int tile> inline void clear_tile() {
    __asm__ volatile("tilezero %%tmm%c0" ::"i"(tile));
}

// Adds, for each row of `a` and each column of 32-bit numbers of `b`, the products of signed bytes.
template <int sums, int a, int b> inline void multiply_tiles() {
    __asm__ volatile("tdpbssd %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(sums), "i"(a), "i"(b));
}

#endif

}  // namespace coblyn::kernels::COBLYN_ISA
