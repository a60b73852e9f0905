// AVX-512 with its byte products, in vectors of 16.

#if (defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512VNNI__)) || defined(COBLYN_EMULATED)

#define COBLYN_ISA avx512_vnni_code

#include "few_interleaved.h"
#include "vnni.h"

namespace coblyn::kernels {

const InstructionSet * avx512_vnni() {
    static const InstructionSet set = [] {
        InstructionSet made{};
        made.name = "AVX-512 VNNI";
        using Isa = avx512_vnni_code::Vnni<avx512_vnni_code::Zmm, 6, 12>;
        avx512_vnni_code::add_quantized<Isa>(made);
        avx512_vnni_code::add_floats<Isa>(made);
        avx512_vnni_code::add_few(made);
        avx512_vnni_code::add_few_interleaved(made);
        made.attention = avx512_vnni_code::Attend<avx512_vnni_code::Zmm, 12>::attention();
        made.attention_of_one = avx512_vnni_code::AttendOne<avx512_vnni_code::Zmm>::attention();
        return made;
    }();
    return &set;
}

}  // namespace coblyn::kernels

#else

#include "kernel.h"

namespace coblyn::kernels {

const InstructionSet * avx512_vnni() {
    return nullptr;
}

}  // namespace coblyn::kernels

#endif
