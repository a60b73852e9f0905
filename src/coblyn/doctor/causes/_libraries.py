"""Maps symbol names to libraries: data and look-up functions."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["FILESYSTEM", "FILESYSTEM_LLVM", "Library", "library_of", "package_of"]


@dataclass(frozen=True, slots=True)
class Library:
    """A library that programs link against.

    Attributes:
        name: Its common name.
        flag: The linker flag on Linux.
        mac: The linker flag on macOS; empty if the same.
        package: Name in `_package.PACKAGES`; empty if every system includes it.
    """

    name: str
    flag: str
    mac: str = ""
    package: str = ""


_BLAS = Library("BLAS", "-lopenblas", "-framework Accelerate", "blas")
_OPENMP = Library("OpenMP", "-fopenmp", "-L$(brew --prefix libomp)/lib -lomp", "openmp")

FILESYSTEM = Library("std::filesystem of GCC 8", "-lstdc++fs")
FILESYSTEM_LLVM = Library("std::filesystem of LLVM 8", "-lc++fs")
_OF = r"(?:(?:vtable|VTT|typeinfo(?: name)?|guard variable|construction vtable) for )?"
_FS = r"std::(?:experimental::(?:\w+::)?)?"
_SHARED = r"std::(?:__shared_ptr|shared_ptr|__shared_count)"

_SYMBOLS: tuple[tuple[str, Library], ...] = (
    (r"cudnn[A-Z]\w+", Library("cuDNN", "-lcudnn")),
    (r"cublasLt\w+", Library("cuBLASLt", "-lcublasLt", "", "cuda")),
    (r"cublas[A-Z]\w+", Library("cuBLAS", "-lcublas", "", "cuda")),
    (r"cuda[A-Z]\w+|__cuda\w+", Library("the CUDA runtime", "-lcudart", "", "cuda")),
    (r"nccl[A-Z]\w+", Library("NCCL", "-lnccl")),
    (
        r"cu(?:Mem|Device|Ctx|Get|Init|Module|Launch|Stream|Func|Driver)\w*",
        Library("the CUDA driver", "-lcuda", "", "cuda"),
    ),
    (r"hipblas\w+", Library("hipBLAS", "-lhipblas", "", "hip")),
    (r"rocblas_\w+", Library("rocBLAS", "-lrocblas", "", "hip")),
    (r"hip[A-Z]\w+|__hip\w+", Library("the HIP runtime", "-lamdhip64", "", "hip")),
    (r"vk[A-Z]\w+", Library("Vulkan", "-lvulkan", "", "vulkan")),
    (
        r"cl(?:Create|Get|Enqueue|Release|Build|Set|Finish|Wait|Retain)\w+",
        Library("OpenCL", "-lOpenCL", "-framework OpenCL", "opencl"),
    ),
    (r"CLBlast\w+", Library("CLBlast", "-lclblast", "", "clblast")),
    (r"cblas_\w+|bli_\w+|openblas_\w+|[sdcz](?:gemm|gemv|axpy|dot|scal)_", _BLAS),
    (r"LAPACKE_\w+|[sdcz](?:gesv|getrf|potrf|geev|syev)d?_", Library("LAPACK", "-llapack -lblas")),
    (
        r"vDSP_\w+|BLASSetThreading\w*",
        Library("Accelerate", "-framework Accelerate", "-framework Accelerate"),
    ),
    (
        r"MTL(?:Create|Copy)\w+|OBJC_(?:META)?CLASS_\$_(?:MTL|MTK|MPS)\w+",
        Library("Metal", "-framework Metal", "-framework Metal -framework MetalKit"),
    ),
    (
        r"OBJC_(?:META)?CLASS_\$_NS\w+|NSLog|objc_\w+|CF[A-Z]\w+",
        Library("Foundation", "-framework Foundation", "-framework Foundation"),
    ),
    (r"GOMP_\w+|omp_\w+|_{0,2}kmpc_\w+|__kmpc_\w+", _OPENMP),
    (r"pthread_\w+|sem_(?:init|post|wait|destroy)", Library("threads", "-pthread")),
    (r"dl(?:open|sym|close|error|addr)", Library("libdl", "-ldl")),
    (
        r"(?:a?(?:sin|cos|tan)h?|atan2|exp(?:2|m1)?|log(?:2|10|1p|b)?|pow|sqrt|cbrt|hypot|floor|ceil|trunc|l?l?r(?:ound|int)|fmod|fma|erfc?|[lt]gamma)[fl]?",
        Library("the mathematics of C", "-lm"),
    ),
    (r"clock_gettime|shm_open|shm_unlink|timer_create|aio_\w+", Library("librt", "-lrt")),
    (r"__atomic_\w+", Library("libatomic", "-latomic")),
    (r"__?(?:fixunstfti|floattitf|multf3|addtf3)", Library("libgcc", "-lgcc")),
    ((rf"{_OF}{_FS}filesystem::\S.*|{_SHARED}<{_FS}filesystem::.*"
      r"|_ZT?[NVIS]\w{0,4}St(?:12experimental)?10filesystem\w+"), FILESYSTEM),
    (rf"{_OF}std::__\w+::(?:__fs::|experimental::\w+::)filesystem::\S.*|_ZT?[NVIS]\w{{0,2}}St3__14__fs10filesystem\w+",
     FILESYSTEM_LLVM),
    (r"curl_\w+", Library("libcurl", "-lcurl", "", "curl")),
    (r"SSL_\w+|TLS_\w+|EVP_\w+|OPENSSL_\w+|CRYPTO_\w+|BIO_\w+|X509_\w+",
     Library("OpenSSL", "-lssl -lcrypto", "", "openssl")),
    (r"(?:in|de)flate(?:Init2?_|End|Reset)?|crc32|adler32|gz(?:open|read|close)|(?:un)?compress2?",
     Library("zlib", "-lz", "", "zlib")),
    (r"ZSTD_\w+", Library("zstd", "-lzstd", "", "zstd")),
    (r"LZ4_\w+", Library("LZ4", "-llz4", "", "lz4")),
    (r"BZ2_\w+", Library("bzip2", "-lbz2", "", "bzip2")),
    (r"numa_\w+", Library("libnuma", "-lnuma", "", "numa")),
    (r"ibv_\w+", Library("libibverbs", "-libverbs")),
    (r"Py(?:Object|Err|Init|List|Dict|Arg|Gil|Unicode|Long|Float|Tuple|Module|Type)_?\w+|_Py_\w+",
     Library("Python", "$(python3-config --ldflags --embed)")),
    (r"sqlite3_\w+", Library("SQLite", "-lsqlite3", "", "sqlite")),
    (r"readline|add_history|rl_\w+", Library("readline", "-lreadline", "", "readline")),
    (r"tgetent|tputs|initscr|wrefresh|stdscr", Library("ncurses", "-lncurses", "", "ncurses")),
    (r"backtrace(?:_symbols(?:_fd)?)?", Library("libexecinfo", "-lexecinfo")),
    (r"gethostbyname|inet_aton|res_\w+", Library("the resolver", "-lresolv")),
    (r"libintl_\w+|_?nl_msg_cat_cntr", Library("gettext", "-lintl", "-L$(brew --prefix gettext)/lib -lintl")),
    (r"iconv(?:_open|_close)?|libiconv\w*", Library("libiconv", "-liconv")),
    (r"av(?:codec|format|util|_)\w+|sws_\w+|swr_\w+", Library("FFmpeg", "-lavformat -lavcodec -lavutil")),
    (r"SDL_\w+", Library("SDL", "-lSDL2", "", "sdl2")),
    (r"Reg(?:Open|Query|Close|Create|Set)\w+|CryptAcquire\w+|OpenProcessToken", Library("advapi32", "advapi32.lib")),
    (r"WSA\w+|closesocket|getaddrinfo|inet_pton", Library("Winsock", "ws2_32.lib")),
)  # fmt: skip
_TABLE = tuple((re.compile(pattern), library) for pattern, library in _SYMBOLS)

# Symbols found only in the C++ runtime; missing when a C compiler links C++ objects.
_CXX = re.compile(
    r"(?:std::__throw_\w+|std::terminate|std::ios_base|__gxx_personality_v0|operator (?:new|delete)(?:\[\])?"
    r"|vtable for __cxxabiv1::|__cxa_\w+|_ZTVN10__cxxabiv1|_Zn[wa]m|_Zd[la]Pvm?|std::basic_ostream|std::cout)"
)
_CXX_LIBRARY = Library("the C++ runtime", "-lstdc++", "-lc++")


def library_of(symbol: str) -> Library | None:
    """The library that a symbol unambiguously belongs to; None if unknown."""
    name = symbol.partition("(")[0].partition("@")[0]
    for pattern, library in _TABLE:
        if pattern.fullmatch(name):
            return library
    return _CXX_LIBRARY if _CXX.match(symbol) else None


_PACKAGES = {
    "openblas": "blas", "blas": "blas", "cblas": "blas", "blis": "blas", "lapack": "blas",
    "vulkan": "vulkan", "vulkan-1": "vulkan", "OpenCL": "opencl", "clblast": "clblast",
    "cudart": "cuda", "cudart_static": "cuda", "cublas": "cuda", "cublasLt": "cuda", "culibos": "cuda",
    "hipblas": "hip", "rocblas": "hip", "amdhip64": "hip", "curl": "curl", "libcurl": "curl",
    "ssl": "openssl", "crypto": "openssl", "omp": "openmp", "gomp": "openmp", "iomp5": "openmp",
    "z": "zlib", "zstd": "zstd", "lz4": "lz4", "bz2": "bzip2", "numa": "numa", "sqlite3": "sqlite",
    "readline": "readline", "ncurses": "ncurses", "ncursesw": "ncurses", "tinfo": "ncurses", "SDL2": "sdl2",
    "stdc++": "c++", "c": "c++",
}  # fmt: skip


def package_of(name: str) -> str:
    """Name in `_package.PACKAGES` of the package that provides ``-l<name>``; empty if unknown."""
    return _PACKAGES.get(name, "")
