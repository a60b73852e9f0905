// The instructions of AMX on arrays, with the names of tiles.h. What would be a fault of the processor ends the program.

#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace emulated {

struct Tiles {
    uint8_t shapes[64];
    uint8_t bytes[8][16][64];

    int rows(int tile) const { return shapes[48 + tile]; }

    int row_bytes(int tile) const { return shapes[16 + 2 * tile] | shapes[17 + 2 * tile] << 8; }
};

inline thread_local Tiles tiles{};

inline void require(bool is_so, const char * what) {
    if (!is_so) {
        std::printf("FAULT: %s\n", what);
        std::exit(2);
    }
}

inline void require_tile(int tile) {
    require(tiles.shapes[0] == 1, "tiles are not in use");
    require(tiles.rows(tile) > 0 && tiles.row_bytes(tile) > 0, "a tile without a shape");
}

template <class Shapes> void load_shapes(const Shapes & shapes) {
    static_assert(sizeof shapes == 64 && alignof(Shapes) == 64);
    std::memset(&tiles, 0, sizeof tiles);
    if (shapes.palette == 0) {
        return;
    }
    std::memcpy(tiles.shapes, &shapes, 64);
    require(tiles.shapes[0] == 1 && tiles.shapes[1] == 0, "palette or first row");
    for (int i = 0; i < 64; ++i) {
        const bool is_used = i < 2 || (i >= 16 && i < 32) || (i >= 48 && i < 56);
        require(is_used || tiles.shapes[i] == 0, "a byte that has to be zero");
    }
    for (int tile = 0; tile < 8; ++tile) {
        require(tiles.rows(tile) <= 16 && tiles.row_bytes(tile) <= 64, "a tile that is too large");
    }
}

template <class Shapes> void store_shapes(Shapes & shapes) {
    std::memcpy(&shapes, tiles.shapes, 64);
}

template <int tile> void clear_tile() {
    require_tile(tile);
    std::memset(tiles.bytes[tile], 0, sizeof tiles.bytes[tile]);
}

template <int tile> void load_tile(const void * at, size_t stride) {
    clear_tile<tile>();
    for (int row = 0; row < tiles.rows(tile); ++row) {
        std::memcpy(tiles.bytes[tile][row], (const char *) at + row * stride, tiles.row_bytes(tile));
    }
}

template <int tile> void store_tile(void * at, size_t stride) {
    require_tile(tile);
    for (int row = 0; row < tiles.rows(tile); ++row) {
        std::memcpy((char *) at + row * stride, tiles.bytes[tile][row], tiles.row_bytes(tile));
    }
}

// tdpbssd
template <int sums, int a, int b> void multiply_tiles() {
    static_assert(sums != a && sums != b && a != b);
    require_tile(sums), require_tile(a), require_tile(b);
    require(tiles.rows(sums) == tiles.rows(a) && tiles.row_bytes(sums) == tiles.row_bytes(b) &&
                tiles.row_bytes(a) == 4 * tiles.rows(b), "tiles whose shapes do not fit");
    for (int m = 0; m < tiles.rows(sums); ++m) {
        for (int n = 0; n < tiles.row_bytes(sums) / 4; ++n) {
            int32_t sum;
            std::memcpy(&sum, &tiles.bytes[sums][m][4 * n], 4);
            for (int k = 0; k < tiles.row_bytes(a); ++k) {
                sum += (int8_t) tiles.bytes[a][m][k] * (int8_t) tiles.bytes[b][k / 4][4 * n + k % 4];
            }
            std::memcpy(&tiles.bytes[sums][m][4 * n], &sum, 4);
        }
    }
}

}  // namespace emulated
