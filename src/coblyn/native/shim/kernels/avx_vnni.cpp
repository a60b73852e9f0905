// AVX2 with the byte products of AVX-VNNI, in vectors of 8.

#if defined(__AVX2__) && defined(__FMA__) && defined(__F16C__) && (defined(__AVXVNNI__) || defined(COBLYN_EMULATED))

#define COBLYN_ISA avx_vnni_code

#include "vnni.h"

namespace coblyn::kernels {

const InstructionSet * avx_vnni() {
    static const InstructionSet set = [] {
        InstructionSet made{};
        made.name = "AVX-VNNI";
        using Isa = avx_vnni_code::Vnni<avx_vnni_code::Ymm, 3, 6>;
        avx_vnni_code::add_quantized<Isa>(made);
        avx_vnni_code::add_floats<Isa>(made);
        made.attention = avx_vnni_code::Attend<avx_vnni_code::Ymm, 6>::attention();
        made.attention_of_one = avx_vnni_code::AttendOne<avx_vnni_code::Ymm>::attention();
        return made;
    }();
    return &set;
}

}  // namespace coblyn::kernels

#else

#include "kernel.h"

namespace coblyn::kernels {

const InstructionSet * avx_vnni() {
    return nullptr;
}

}  // namespace coblyn::kernels

#endif
