#include "interleaved.h"

#include "kernel.h"

#include "ggml-backend.h"
#include "ggml.h"

#include <cstring>
#include <vector>

namespace coblyn::kernels {

namespace {

bool known[kTypes];

// The eight interleaved rows expected from eight plain ones. Blocks of 16 code bytes: heads, then the codes
// in pieces of eight bytes. Q4_0's codes have their highest bits flipped. Q4_K: only heads and codes are compared,
// and the scales of a block whose rows are all equal, which determines their order.
std::vector<uint8_t> interleave(ggml_type type, const std::vector<uint8_t> & rows, size_t bytes) {
    const size_t         head = type == GGML_TYPE_Q4_K ? 4 : bytes - 16;
    std::vector<uint8_t> out(8 * bytes);
    const auto           row = [&](size_t i) { return rows.data() + i * bytes; };
    if (type == GGML_TYPE_Q4_K) {
        for (size_t i = 0; i < 8; ++i) {
            std::memcpy(&out[2 * i], row(i), 2);
            std::memcpy(&out[16 + 2 * i], row(i) + 2, 2);
        }
        for (size_t slab = 0; slab < 8; ++slab) {
            // Every scale of every row is 1 and every constant 2: see `sample`.
            for (size_t i = 0; i < 8; ++i) {
                out[32 + 12 * slab + i] = i < 4 ? 1 : 2;
            }
            std::memset(&out[32 + 12 * slab + 8], 0x21, 4);
        }
    } else {
        for (size_t i = 0; i < 8; ++i) {
            std::memcpy(&out[head * i], row(i), head);
        }
    }
    const size_t first = type == GGML_TYPE_Q4_K ? 16 : head;
    for (size_t piece = 0; piece < (bytes - first) / 8; ++piece) {
        for (size_t i = 0; i < 8; ++i) {
            std::memcpy(&out[8 * first + 64 * piece + 8 * i], row(i) + first + 8 * piece, 8);
        }
    }
    if (type == GGML_TYPE_Q4_0) {
        for (size_t i = 8 * head; i < out.size(); ++i) {
            out[i] ^= 0x88;
        }
    }
    return out;
}

// Eight rows of one block, every byte encoding its position.
std::vector<uint8_t> sample(ggml_type type, size_t bytes) {
    std::vector<uint8_t> rows(8 * bytes);
    for (size_t i = 0; i < rows.size(); ++i) {
        rows[i] = (uint8_t) (i * 151 + i / 256);
    }
    if (type == GGML_TYPE_Q4_K) {
        for (size_t i = 0; i < 8; ++i) {
            uint8_t * scales = &rows[i * bytes + 4];
            std::memset(scales, 1, 4);
            std::memset(scales + 4, 2, 4);
            std::memset(scales + 8, 0x21, 4);
        }
    }
    return rows;
}

bool is_expected(ggml_backend_buffer_type_t repacking, ggml_type type) {
    const size_t       bytes = ggml_type_size(type);
    ggml_init_params   params{ 2 * ggml_tensor_overhead(), nullptr, true };
    ggml_context *     context = ggml_init(params);
    ggml_tensor *      tensor  = ggml_new_tensor_2d(context, type, ggml_blck_size(type), 8);
    ggml_backend_buffer_t buffer = ggml_backend_alloc_ctx_tensors_from_buft(context, repacking);
    bool               is_same = false;
    // A type that ggml does not repack on this processor has no traits, and setting it would end the process.
    if (buffer != nullptr && tensor->extra != nullptr) {
        const std::vector<uint8_t> rows = sample(type, bytes);
        ggml_backend_tensor_set(tensor, rows.data(), 0, rows.size());
        const std::vector<uint8_t> expected = interleave(type, rows, bytes);
        is_same = std::memcmp(tensor->data, expected.data(), expected.size()) == 0;
    }
    ggml_backend_buffer_free(buffer);
    ggml_free(context);
    return is_same;
}

}  // namespace

void recognise_interleaved(ggml_backend_buffer_type_t repacking) {
    for (const ggml_type type : { GGML_TYPE_Q4_0, GGML_TYPE_Q4_K, GGML_TYPE_IQ4_NL, GGML_TYPE_MXFP4 }) {
        known[type] = is_expected(repacking, type);
    }
}

bool is_interleaved_by_8(int type) {
    return type >= 0 && type < kTypes && known[type];
}

}  // namespace coblyn::kernels
