// Plain C++, for any processor: the reference for the others. Never chosen automatically.

#define COBLYN_ISA portable_code

#include "attend.h"
#include "attend_one.h"
#include "driver.h"

#include <cmath>

namespace coblyn::kernels::COBLYN_ISA {

// A vector of one number.
struct Single {
    using Float = float;
    static constexpr int kLanes = 1;

    static Float load_float(const float * from) { return *from; }
    static Float spread_float(float a) { return a; }
    static Float no_float() { return 0; }
    static Float add(Float a, Float b) { return a + b; }
    static Float subtract(Float a, Float b) { return a - b; }
    static Float multiply(Float a, Float b) { return a * b; }
    static Float multiply_add(Float a, Float b, Float c) { return a * b + c; }
    static Float greater(Float a, Float b) { return a > b ? a : b; }
    static void  store(float * to, Float a) { *to = a; }
    static Float sums(const Float (&a)[1]) { return a[0]; }
    static Float widen_half(const uint16_t * from) { return half_to_float(*from); }
    static Float power_of_two(Float n) { return n == n ? bit_cast<float>(((int32_t) n + 127) << 23) : n; }
    static Float unless_below(Float x, Float limit, Float a) { return x < limit ? 0 : a; }
    static bool  are_equal(Float a, Float b) { return a == b; }
};

struct Portable {
    static constexpr int kRows        = 8;
    static constexpr int kFloatTokens = 4;

    template <class W> static constexpr int kTokens  = 4;
    template <class W> static constexpr int kStretch = 24;

    struct Bytes {
        int8_t  codes[32];
        float   scale;
        int16_t sums[2];
    };

    template <class W> using Record = Bytes;

    // codes: for each value the rows side by side, with the offset already subtracted.
    template <class W> struct Slab {
        int8_t  codes[32][kRows];
        Factors factors[kRows];
    };

    template <class W> static void prepare(const float * from, Bytes & to) {
        float top = 0;
        for (int i = 0; i < 32; ++i) {
            const float size = std::fabs(from[i]);
            top              = size > top || size != size ? size : top;
        }
        to.scale            = top < 1e-35f ? 0 : top / 127;
        const float inverse = top < 1e-35f ? 0 : 127 / top;
        to.sums[0] = to.sums[1] = 0;
        for (int i = 0; i < 32; ++i) {
            const float code = from[i] * inverse;
            to.codes[i]      = (int8_t) std::nearbyintf(code > -127 ? (code < 127 ? code : 127) : -127);
            to.sums[i / 16]  = (int16_t) (to.sums[i / 16] + to.codes[i]);
        }
    }

    template <class W> static void put(const Factors & from, int row, Slab<W> & to) { to.factors[row] = from; }

    template <class W> static void pack(const int8_t * codes, size_t stride, Slab<W> & to) {
        for (int i = 0; i < 32; ++i) {
            for (int row = 0; row < kRows; ++row) {
                to.codes[i][row] = (int8_t) (codes[row * stride + i] - W::kOffset);
            }
        }
    }

    template <class W, int T>
    static void tile(const Slab<W> * panel, int n, const Bytes * const * acts, float * const * outs, bool adds) {
        for (int t = 0; t < T; ++t) {
            float totals[kRows];
            for (int row = 0; row < kRows; ++row) {
                totals[row] = adds ? outs[t][row] : 0;
            }
            for (int s = 0; s < n; ++s) {
                add<W>(panel[s], acts[t][s], totals);
            }
            for (int row = 0; row < kRows; ++row) {
                outs[t][row] = totals[row];
            }
        }
    }

    template <class W> static void add(const Slab<W> & slab, const Bytes & act, float * totals) {
        int32_t sums[2][kRows] = {};
        for (int i = 0; i < 32; ++i) {
            for (int row = 0; row < kRows; ++row) {
                sums[i / 16][row] += slab.codes[i][row] * act.codes[i];
            }
        }
        for (int row = 0; row < kRows; ++row) {
            const Factors & f   = slab.factors[row];
            const int32_t   sum = W::kHasSub ? sums[0][row] * f.sub[0] + sums[1][row] * f.sub[1] : sums[0][row] + sums[1][row];
            totals[row] += (float) sum * (f.scale * act.scale);
            if constexpr (W::kHasSubMin) {
                totals[row] += (float) (act.sums[0] * f.submin[0] + act.sums[1] * f.submin[1]) * (f.min * act.scale);
            } else if constexpr (W::kHasMin) {
                totals[row] += f.min * (act.scale * (float) (act.sums[0] + act.sums[1]));
            }
        }
    }

    template <class W> static void pack_float(const Job & job, int64_t first, int n, float * panel) {
        for (int row = 0; row < kRows; ++row) {
            const int       at   = row < job.rows ? row : job.rows - 1;
            const uint8_t * from = job.weights + at * job.row_bytes;
            for (int k = 0; k < n; ++k) {
                panel[kRows * k + row] = W::value(load<uint16_t>(from + 2 * (first + k)));
            }
        }
    }

    template <int T>
    static void tile_float(const float * panel, int n, const float * const * acts, float * const * outs, bool adds) {
        for (int t = 0; t < T; ++t) {
            float totals[kRows];
            for (int row = 0; row < kRows; ++row) {
                totals[row] = adds ? outs[t][row] : 0;
            }
            for (int k = 0; k < n; ++k) {
                for (int row = 0; row < kRows; ++row) {
                    totals[row] += panel[kRows * k + row] * acts[t][k];
                }
            }
            for (int row = 0; row < kRows; ++row) {
                outs[t][row] = totals[row];
            }
        }
    }
};

}  // namespace coblyn::kernels::COBLYN_ISA

namespace coblyn::kernels {

const InstructionSet * portable() {
    static const InstructionSet set = [] {
        InstructionSet made{};
        made.name = "portable";
        portable_code::add_quantized<portable_code::Portable>(made);
        portable_code::add_floats<portable_code::Portable>(made);
        made.attention = portable_code::Attend<portable_code::Single, 6>::attention();
        made.attention_of_one = portable_code::AttendOne<portable_code::Single>::attention();
        return made;
    }();
    return &set;
}

}  // namespace coblyn::kernels
