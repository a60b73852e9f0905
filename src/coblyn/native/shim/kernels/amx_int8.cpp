// AMX: products of tiles of signed bytes instead of vectors. Everything else is as with AVX-512.
//
// A product multiplies 16 tokens by 16 rows of weights over the values that share a scale: 32, or 16 where the halves of a
// slab have their own factors. Tiles hold 64, so at most half of each is used; their sums pass through memory, where vectors
// scale them.

// Old versions of Clang call it __AMXINT8__.
#if (defined(__linux__) && defined(__x86_64__) && (defined(__AMX_INT8__) || defined(__AMXINT8__)) && defined(__AVX512F__) && \
     defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512VNNI__)) || defined(COBLYN_EMULATED)

#define COBLYN_ISA amx_int8_code

#include "tiles.h"
#include "vnni.h"

#include <algorithm>
#include <iterator>

namespace coblyn::kernels::COBLYN_ISA {

constexpr int kSide = 16;  // tokens, and rows of weights, of a tile product

// Two of each kind: 0 and 1 are sums, 2 and 3 activations, 4 and 5 weights, of products over `depth` values.
template <int depth> constexpr TileShapes make_shapes() {
    TileShapes shapes{};
    shapes.palette = 1;
    for (int i = 0; i < 2; ++i) {
        shapes.rows[i] = shapes.rows[2 + i] = kSide;
        shapes.rows[4 + i]                  = depth / 4;
        shapes.row_bytes[i] = shapes.row_bytes[4 + i] = 4 * kSide;
        shapes.row_bytes[2 + i]                       = depth;
    }
    return shapes;
}

template <int depth> constexpr TileShapes kShapes = make_shapes<depth>();

// Our tile shapes, for the lifetime of this object. ggml sets a thread's shapes once and never checks, so they are restored.
class TileUse {
  public:
    explicit TileUse(const TileShapes & ours) {
        // Linux documents once per process; asking again costs nothing.
        [[maybe_unused]] static thread_local const bool is_allowed = ask_for_tiles();
        store_shapes(before_);
        load_shapes(ours);
    }
    ~TileUse() { load_shapes(before_); }
    TileUse(const TileUse &)             = delete;
    TileUse & operator=(const TileUse &) = delete;

  private:
    TileShapes before_;
};

// Records of sixteen tokens, evenly spaced.
struct Tokens {
    const char * at;
    size_t       stride;

    const ByteRecord & record(int token, int slab) const {
        return ((const ByteRecord *) (at + (size_t) token * stride))[slab];
    }
};

struct Amx : Vnni<Zmm, 6, 12> {
    template <class W> static constexpr int kTokens = kSide;
    template <class W> static constexpr int kDepth  = W::kHasSub ? 16 : 32;

    // Signed, so that no offset has to be subtracted from the sums.
    template <class W> static void pack(const int8_t * codes, size_t stride, Slab<W> & to) {
        Vnni::pack<W>(codes, stride, to);
        if constexpr (kOffset<W> != 0) {
            for (uint8_t * at = to.codes; at < std::end(to.codes); at += 64) {
                _mm512_store_si512(at, _mm512_sub_epi8(_mm512_load_si512(at), _mm512_set1_epi8((char) kOffset<W>)));
            }
        }
    }

    template <class W, int T>
    static void tile(const Slab<W> * panel, int n, const ByteRecord * const * acts, float * const * outs, bool adds) {
        alignas(64) ByteRecord copies[kSide * kStretch<W>];
        const Tokens           tokens = evenly_spaced(acts, T, n, copies);
        for (int row = 0; row < kRows; row += kSide) {
            multiply_rows<W>(panel, n, tokens, row, T, outs, adds);
        }
    }

    // In place, or copied; missing tokens are zero.
    static Tokens evenly_spaced(const ByteRecord * const * acts, int num, int n, ByteRecord * copies) {
        const auto at     = [acts](int token) { return (const char *) acts[token]; };
        const auto stride = num < 2 ? 0 : at(1) - at(0);
        bool       is_even = num == kSide && stride > 0;
        for (int t = 2; is_even && t < num; ++t) {
            is_even = at(t) - at(t - 1) == stride;
        }
        if (is_even) {
            return { at(0), (size_t) stride };
        }
        std::memset(copies + num * n, 0, sizeof(ByteRecord) * (size_t) ((kSide - num) * n));
        for (int t = 0; t < num; ++t) {
            std::copy(acts[t], acts[t] + n, copies + t * n);
        }
        return { (const char *) copies, sizeof(ByteRecord) * (size_t) n };
    }

    // Sixteen rows from `row` on. The products of two runs of values are in flight together.
    template <class W>
    static __attribute__((noinline)) void multiply_rows(const Slab<W> * panel, int n, const Tokens & tokens, int row, int num, float * const * outs,
                              bool adds) {
        alignas(64) int32_t sums[2][kSide * kSide];
        __m512              totals[kSide];
        COBLYN_UNROLL
        for (int t = 0; t < kSide; ++t) {
            totals[t] = adds && t < num ? _mm512_loadu_ps(outs[t] + row) : _mm512_setzero_ps();
        }
        for (int s = 0; s < n;) {
            multiply<0>(panel[s].codes + 4 * row, &tokens.record(0, s).codes[0], tokens.stride, sums[0]);
            if constexpr (W::kHasSub) {
                multiply<1>(panel[s].codes + 16 * kRows + 4 * row, &tokens.record(0, s).codes[16], tokens.stride, sums[1]);
                add_halves<W>(panel[s], row, tokens, s, sums, totals);
                s += 1;
            } else {
                const bool is_last = s + 1 == n;
                if (!is_last) {
                    multiply<1>(panel[s + 1].codes + 4 * row, &tokens.record(0, s + 1).codes[0], tokens.stride, sums[1]);
                }
                add<W>(panel[s], row, tokens, s, sums[0], totals);
                if (!is_last) {
                    add<W>(panel[s + 1], row, tokens, s + 1, sums[1], totals);
                }
                s += 2;
            }
        }
        COBLYN_UNROLL
        for (int t = 0; t < kSide; ++t) {
            if (t < num) {
                _mm512_storeu_ps(outs[t] + row, totals[t]);
            }
        }
    }

    template <int i> static COBLYN_INLINE void multiply(const uint8_t * weights, const int8_t * acts, size_t stride, int32_t * sums) {
        load_tile<2 + i>(acts, stride);
        load_tile<4 + i>(weights, 4 * kRows);
        clear_tile<i>();
        multiply_tiles<i, 2 + i, 4 + i>();
        store_tile<i>(sums, 4 * kSide);
    }

    template <class W>
    static COBLYN_INLINE void add(const Slab<W> & slab, int row, const Tokens & tokens, int s, const int32_t * sums, __m512 * totals) {
        const __m512 scale = _mm512_load_ps(slab.scale + row);
        COBLYN_UNROLL
        for (int t = 0; t < kSide; ++t) {
            const __m512 sum = _mm512_cvtepi32_ps(_mm512_load_si512(sums + kSide * t));
            totals[t]        = add_scaled<W>(slab, row, tokens.record(t, s), scale, sum, totals[t]);
        }
    }

    // The same for two halves with their own factors.
    template <class W>
    static COBLYN_INLINE void add_halves(const Slab<W> & slab, int row, const Tokens & tokens, int s,
                                         const int32_t (&sums)[2][kSide * kSide], __m512 * totals) {
        const __m512 scale = _mm512_load_ps(slab.scale + row);
        const __m512 first = _mm512_cvtepi32_ps(_mm512_load_si512(slab.sub[0] + row));
        const __m512 last  = _mm512_cvtepi32_ps(_mm512_load_si512(slab.sub[1] + row));
        COBLYN_UNROLL
        for (int t = 0; t < kSide; ++t) {
            const __m512 a   = _mm512_cvtepi32_ps(_mm512_load_si512(sums[0] + kSide * t));
            const __m512 b   = _mm512_cvtepi32_ps(_mm512_load_si512(sums[1] + kSide * t));
            const __m512 sum = _mm512_fmadd_ps(b, last, _mm512_mul_ps(a, first));
            totals[t]        = add_scaled<W>(slab, row, tokens.record(t, s), scale, sum, totals[t]);
        }
    }
};

template <class Isa, class W> struct TileProduct : Product<Isa, W> {
    static void run(const Job & job) {
        const TileUse use(kShapes<Isa::template kDepth<W>>);
        Product<Isa, W>::run(job);
    }

    static constexpr Kernel kernel() {
        Kernel kernel  = Product<Isa, W>::kernel();
        kernel.product = run;
        return kernel;
    }
};

}  // namespace coblyn::kernels::COBLYN_ISA

namespace coblyn::kernels {

const InstructionSet * amx_int8() {
    static const InstructionSet * const plain = avx512_bf16() != nullptr ? avx512_bf16() : avx512_vnni();
    static const InstructionSet         set   = [] {
        InstructionSet made = plain == nullptr ? InstructionSet{} : *plain;
        made.name           = "AMX";
        made.without_tiles  = plain;
        amx_int8_code::add_quantized<amx_int8_code::Amx, amx_int8_code::TileProduct>(made);
        return made;
    }();
    return plain == nullptr ? nullptr : &set;
}

}  // namespace coblyn::kernels

#else

#include "kernel.h"

namespace coblyn::kernels {

const InstructionSet * amx_int8() {
    return nullptr;
}

}  // namespace coblyn::kernels

#endif
