// What this processor and its operating system can run.

#include "kernel.h"

#if defined(__x86_64__) || defined(_M_X64)
#include <cstdint>
#if defined(_MSC_VER)
#include <intrin.h>
#else
#include <cpuid.h>
#endif
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#elif defined(__aarch64__) && defined(__APPLE__)
#include <sys/sysctl.h>
#endif

namespace coblyn::kernels {

namespace {

#if defined(__x86_64__) || defined(_M_X64)

struct Registers {
    uint32_t eax, ebx, ecx, edx;
};

Registers cpuid(uint32_t leaf, uint32_t subleaf) {
    Registers r{};
#if defined(_MSC_VER)
    int values[4];
    __cpuid(values, 0);
    if ((uint32_t) values[0] >= leaf) {
        __cpuidex(values, (int) leaf, (int) subleaf);
        r = { (uint32_t) values[0], (uint32_t) values[1], (uint32_t) values[2], (uint32_t) values[3] };
    }
#else
    __get_cpuid_count(leaf, subleaf, &r.eax, &r.ebx, &r.ecx, &r.edx);
#endif
    return r;
}

// The registers that the operating system saves when it switches threads (XCR0).
uint64_t saved_state() {
#if defined(_MSC_VER)
    return _xgetbv(0);
#else
    uint32_t low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low | (uint64_t) high << 32;
#endif
}

struct Features {
    bool avx2 = false, avx_vnni = false, avx512_vnni = false, avx512_bf16 = false, amx_int8 = false;
};

bool has(uint32_t bits, int bit) {
    return (bits >> bit & 1) != 0;
}

Features features() {
    Features        f;
    const Registers basic = cpuid(1, 0);
    if (!has(basic.ecx, 27)) {  // OSXSAVE: XCR0 can be read
        return f;
    }
    const uint64_t  state    = saved_state();
    const Registers extended = cpuid(7, 0), more = cpuid(7, 1);
    const bool      ymm = (state & 0x06) == 0x06, zmm = (state & 0xe6) == 0xe6;
    f.avx2     = ymm && has(basic.ecx, 12) && has(basic.ecx, 29) && has(extended.ebx, 5);  // FMA, F16C, AVX2
    f.avx_vnni = f.avx2 && has(more.eax, 4);
    // AVX512F, DQ, BW, VL and VNNI
    f.avx512_vnni = f.avx2 && zmm && has(extended.ebx, 16) && has(extended.ebx, 17) && has(extended.ebx, 30) &&
                    has(extended.ebx, 31) && has(extended.ecx, 11);
    f.avx512_bf16 = f.avx512_vnni && has(more.eax, 5);
    // AMX_TILE and AMX_INT8, and registers for the configuration and the tiles. Products that do not use AMX may use BF16.
    f.amx_int8 = f.avx512_bf16 && has(extended.edx, 24) && has(extended.edx, 25) && (state >> 17 & 3) == 3;
    return f;
}

#elif defined(__aarch64__)

struct Features {
    bool dot = false, i8mm = false;
};

Features features() {
    Features f;
#if defined(__linux__)
    f.dot  = (getauxval(AT_HWCAP) >> 20 & 1) != 0;   // HWCAP_ASIMDDP
    f.i8mm = (getauxval(AT_HWCAP2) >> 13 & 1) != 0;  // HWCAP2_I8MM
#elif defined(__APPLE__)
    const auto flag = [](const char * name) {
        int    value = 0;
        size_t size  = sizeof value;
        return sysctlbyname(name, &value, &size, nullptr, 0) == 0 && value != 0;
    };
    f.dot  = flag("hw.optional.arm.FEAT_DotProd");
    f.i8mm = flag("hw.optional.arm.FEAT_I8MM");
#endif
    return f;
}

#endif

}  // namespace

bool ask_for_tiles() {
#if defined(__linux__) && defined(__x86_64__)
    constexpr int kAsk = 0x1023, kTiles = 18;  // ARCH_REQ_XCOMP_PERM, and the number of the state in XCR0
    return syscall(SYS_arch_prctl, kAsk, kTiles) == 0;
#else
    return false;
#endif
}

const InstructionSet * const * usable_sets() {
    static const InstructionSet * const * const list = [] {
        static const InstructionSet * sets[8] = {};
        int                           n       = 0;
        // The function itself is compiled for its instruction set: it must not even be called on other processors.
        [[maybe_unused]] const auto   add     = [&](bool is_usable, const InstructionSet * (*make)()) {
            const InstructionSet * set = is_usable ? make() : nullptr;
            if (set != nullptr) {
                sets[n++] = set;
            }
        };
#if defined(__x86_64__) || defined(_M_X64)
        const Features f = features();
        add(f.amx_int8 && ask_for_tiles(), amx_int8);
        add(f.avx512_bf16, avx512_bf16);
        add(f.avx512_vnni, avx512_vnni);
        add(f.avx_vnni, avx_vnni);
        add(f.avx2, avx2);
#elif defined(__aarch64__)
        const Features f = features();
        add(f.dot && f.i8mm, neon_i8mm);
        add(f.dot, neon_dot);
#endif
        add(true, portable);
        return sets;
    }();
    return list;
}

}  // namespace coblyn::kernels
