// What a process reports about itself when an instruction kills it. The parent reads it: src/coblyn/crash.py.
//
// A handler may call only what is safe at any point of execution: no heap memory, no locks, no stdio.

#include "coblyn.h"

#include <atomic>
#include <cstdint>
#include <cstring>

#if defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#define NOMINMAX
#include <windows.h>

#include <csignal>
#else
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>
#if defined(__linux__) || defined(__APPLE__)
#include <sys/ucontext.h>
#endif
#endif

namespace {

constexpr size_t num_code  = 16;
constexpr size_t max_path  = 3072;
constexpr size_t line_room = max_path + 256;

// A line composed without the heap; what does not fit is cut off.
class Line {
public:
    void text(const char * text) {
        while (*text != '\0') {
            put(*text++);
        }
    }

    void hex(uint64_t value) {
        text("0x");
        int shift = 60;
        while (shift > 0 && (value >> shift) == 0) {
            shift -= 4;
        }
        for (; shift >= 0; shift -= 4) {
            put(digits[value >> shift & 15]);
        }
    }

    void bytes(const unsigned char * data, size_t count) {
        for (size_t i = 0; i < count; ++i) {
            put(digits[data[i] >> 4]);
            put(digits[data[i] & 15]);
        }
    }

    void end() {
        chars_[size_ < line_room ? size_ : line_room - 1] = '\n';
        size_ += size_ < line_room;
    }

    const char * data() const { return chars_; }
    size_t       size() const { return size_; }

private:
    static constexpr const char * digits = "0123456789abcdef";

    void put(char c) {
        if (size_ < line_room) {
            chars_[size_++] = c;
        }
    }

    char   chars_[line_room];
    size_t size_ = 0;
};

// The library that contains an address: where its image begins in memory, and its path.
struct Image {
    uint64_t base = 0;
    char     path[max_path];

    bool is_known() const { return path[0] != '\0'; }

    void set(uint64_t begin, const char * file) {
        base        = begin;
        size_t size = 0;
        for (; file[size] != '\0' && size < max_path - 1; ++size) {
            path[size] = file[size];
        }
        path[size] = '\0';
    }
};

size_t read_code(uint64_t address, unsigned char * code);
void   find_image(uint64_t address, Image & image);

void compose(Line & line, const char * signal, uint64_t address) {
    // Static: a thread's stack may be nearly exhausted. Only one thread composes at a time.
    static Image  image;
    unsigned char code[num_code];
    image         = {};
    const size_t count = address != 0 ? read_code(address, code) : 0;
    if (address != 0) {
        find_image(address, image);
    }
    line.text("coblyn-crash signal=");
    line.text(signal);
    line.text(" address=");
    line.hex(address);
    line.text(" offset=");
    if (image.is_known()) {
        line.hex(address - image.base);
    } else {
        line.text("-1");
    }
    line.text(" code=");
    line.bytes(code, count);
    line.text(" library=");
    line.text(image.path);
    line.end();
}

#if defined(_WIN32)

size_t read_code(uint64_t address, unsigned char * code) {
    SIZE_T count = 0;
    for (size_t wanted = num_code; wanted > 0; --wanted) {
        if (ReadProcessMemory(GetCurrentProcess(), (const void *) (uintptr_t) address, code, wanted, &count)) {
            return count;
        }
    }
    return 0;
}

void find_image(uint64_t address, Image & image) {
    static wchar_t path[MAX_PATH * 4];
    HMODULE        module = nullptr;
    const DWORD    flags = GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT;
    if (!GetModuleHandleExW(flags, (LPCWSTR) (uintptr_t) address, &module)) {
        return;
    }
    image.base         = (uint64_t) (uintptr_t) module;
    const DWORD length = GetModuleFileNameW(module, path, MAX_PATH * 4);
    const int   size   = WideCharToMultiByte(CP_UTF8, 0, path, (int) length, image.path, max_path - 1, nullptr, nullptr);
    image.path[size > 0 ? size : 0] = '\0';
}

void write_line(const Line & line) {
    DWORD written = 0;
    WriteFile(GetStdHandle(STD_ERROR_HANDLE), line.data(), (DWORD) line.size(), &written, nullptr);
}

const char * name_of(DWORD code) {
    switch (code) {
        case EXCEPTION_ILLEGAL_INSTRUCTION: return "EXCEPTION_ILLEGAL_INSTRUCTION";
        case EXCEPTION_PRIV_INSTRUCTION: return "EXCEPTION_PRIV_INSTRUCTION";
        case EXCEPTION_ACCESS_VIOLATION: return "EXCEPTION_ACCESS_VIOLATION";
        case EXCEPTION_IN_PAGE_ERROR: return "EXCEPTION_IN_PAGE_ERROR";
        case EXCEPTION_DATATYPE_MISALIGNMENT: return "EXCEPTION_DATATYPE_MISALIGNMENT";
        case EXCEPTION_INT_DIVIDE_BY_ZERO: return "EXCEPTION_INT_DIVIDE_BY_ZERO";
        default: return nullptr;
    }
}

std::atomic_flag is_busy = ATOMIC_FLAG_INIT;

// Not the filter for unhandled exceptions: ctypes turns those of its own thread into Python's OSError.
LONG CALLBACK on_exception(EXCEPTION_POINTERS * pointers) {
    const char * name = name_of(pointers->ExceptionRecord->ExceptionCode);
    if (name != nullptr && !is_busy.test_and_set()) {
        Line line;
        compose(line, name, (uint64_t) (uintptr_t) pointers->ExceptionRecord->ExceptionAddress);
        write_line(line);
        is_busy.clear();
    }
    return EXCEPTION_CONTINUE_SEARCH;
}

// abort() raises no exception that a handler would see. What it does next is up to the runtime, as it is without us.
void on_abort(int) {
    if (!is_busy.test_and_set()) {
        Line line;
        compose(line, "SIGABRT", 0);
        write_line(line);
    }
}

bool install() {
    static void * handle = nullptr;
    if (handle == nullptr) {
        handle = AddVectoredExceptionHandler(1, on_exception);
        signal(SIGABRT, on_abort);
    }
    return handle != nullptr;
}

#else

struct Signal {
    int              number;
    const char *     name;
    struct sigaction before;
};

Signal signals[] = {
    { SIGILL, "SIGILL", {} }, { SIGTRAP, "SIGTRAP", {} }, { SIGSEGV, "SIGSEGV", {} },
    { SIGBUS, "SIGBUS", {} }, { SIGFPE, "SIGFPE", {} },   { SIGABRT, "SIGABRT", {} },
};

std::atomic<bool>      is_installed{ false };
std::atomic<pthread_t> owner{};
std::atomic<bool>      is_written{ false };

// The kernel refuses to read unmapped memory, where a direct read would kill us: the bytes go through a pipe.
size_t read_code(uint64_t address, unsigned char * code) {
    int ends[2];
    if (pipe(ends) != 0) {
        return 0;
    }
    size_t count = 0;
    while (count < num_code && write(ends[1], (const void *) (uintptr_t) (address + count), 1) == 1 &&
           read(ends[0], code + count, 1) == 1) {
        ++count;
    }
    close(ends[0]);
    close(ends[1]);
    return count;
}

#if defined(__linux__)

// One line of /proc/self/maps: "7f00-7f10 r-xp 00001000 08:01 1234   /path".
struct Mapping {
    uint64_t     begin, end;
    const char * path;
};

bool parse(const char * text, Mapping & mapping) {
    const auto number = [&text](char stop) {
        uint64_t value = 0;
        for (; *text != '\0' && *text != stop; ++text) {
            value = value << 4 | (uint64_t) (*text <= '9' ? *text - '0' : *text - 'a' + 10);
        }
        text += *text == stop;
        return value;
    };
    mapping.begin = number('-');
    mapping.end   = number(' ');
    for (int field = 0; field < 4; ++field) {
        while (*text != '\0' && *text != ' ') {
            ++text;
        }
        while (*text == ' ') {
            ++text;
        }
    }
    mapping.path = text;
    return mapping.end > mapping.begin;
}

// Mappings are listed in order of address: an image begins where its file name first appears.
class ImageSearch {
public:
    ImageSearch(uint64_t address, Image & image) : address_(address), image_(image) {}

    // Whether this line was the one sought.
    bool take(const char * text) {
        Mapping mapping;
        if (!parse(text, mapping)) {
            return false;
        }
        // The parts of an image are separated by its zeroed data, which has no name.
        if (*mapping.path == '/' && strcmp(mapping.path, image_.path) != 0) {
            image_.set(mapping.begin, mapping.path);
        }
        if (address_ < mapping.begin || address_ >= mapping.end) {
            return false;
        }
        if (*mapping.path != '/') {
            image_ = {};
        }
        return true;
    }

private:
    uint64_t address_;
    Image &  image_;
};

void find_image(uint64_t address, Image & image) {
    static char line[max_path + 128];
    static char block[4096];
    const int   file = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return;
    }
    ImageSearch search(address, image);
    size_t      length = 0;
    bool        found  = false;
    ssize_t     count;
    while (!found && (count = read(file, block, sizeof block)) > 0) {
        for (ssize_t i = 0; i < count && !found; ++i) {
            if (block[i] != '\n') {
                line[length] = block[i];
                length += length < sizeof line - 1;
                continue;
            }
            line[length] = '\0';
            length       = 0;
            found        = search.take(line);
        }
    }
    close(file);
    if (!found) {
        image = {};
    }
}

#else

// Takes the loader's list lock, which is held only while libraries are loaded or unloaded.
void find_image(uint64_t address, Image & image) {
    Dl_info info;
    if (dladdr((const void *) (uintptr_t) address, &info) != 0 && info.dli_fname != nullptr) {
        image.set((uint64_t) (uintptr_t) info.dli_fbase, info.dli_fname);
    }
}

#endif

// The instruction that the thread was executing; 0 where we do not know how to find out.
uint64_t instruction([[maybe_unused]] const void * context) {
    [[maybe_unused]] const auto * c = (const ucontext_t *) context;
#if defined(__linux__) && defined(__x86_64__)
    return (uint64_t) c->uc_mcontext.gregs[REG_RIP];
#elif defined(__linux__) && defined(__aarch64__)
    return (uint64_t) c->uc_mcontext.pc;
#elif defined(__APPLE__) && defined(__x86_64__)
    return (uint64_t) c->uc_mcontext->__ss.__rip;
#elif defined(__APPLE__) && defined(__aarch64__)
    return (uint64_t) __darwin_arm_thread_state64_get_pc(c->uc_mcontext->__ss);
#else
    return 0;
#endif
}

void report(const Signal & signal, const void * context) {
    static Line line;
    compose(line, signal.name, instruction(context));
    const char * data = line.data();
    size_t       rest = line.size();
    while (rest > 0) {
        const ssize_t count = write(STDERR_FILENO, data, rest);
        if (count <= 0) {
            return;
        }
        data += count;
        rest -= (size_t) count;
    }
}

// Threads that run the same code fail in the same place: one of them reports, the others wait until it has finished.
void report_once(const Signal & signal, const void * context) {
    pthread_t       nobody{};
    const pthread_t self = pthread_self();
    if (owner.compare_exchange_strong(nobody, self)) {
        report(signal, context);
        is_written = true;
        return;
    }
    while (!is_written && !pthread_equal(owner, self)) {
        const struct timespec moment = { 0, 1000000 };
        nanosleep(&moment, nullptr);
    }
}

// The previous handler gets the signal next: Python's faulthandler, or the default action, which ends the process
// with the signal as its status.
void on_signal(int number, siginfo_t *, void * context) {
    for (const Signal & signal : signals) {
        if (signal.number == number) {
            report_once(signal, context);
            struct sigaction next = signal.before;
            if ((next.sa_flags & SA_SIGINFO) == 0 && next.sa_handler == SIG_IGN) {
                next.sa_handler = SIG_DFL;
            }
            sigaction(number, &next, nullptr);
        }
    }
    raise(number);  // waits until this handler has returned
}

// A stack that has overflowed has no room for a handler.
void add_stack() {
    static char stack[65536];
    stack_t     now = {};
    if (sigaltstack(nullptr, &now) != 0 || (now.ss_flags & SS_DISABLE) == 0) {
        return;
    }
    stack_t ours  = {};
    ours.ss_sp    = stack;
    ours.ss_size  = sizeof stack;
    ours.ss_flags = 0;
    sigaltstack(&ours, nullptr);
}

bool install() {
    if (is_installed.exchange(true)) {
        return true;
    }
    add_stack();
    bool is_complete = true;
    for (Signal & signal : signals) {
        struct sigaction action = {};
        action.sa_sigaction     = on_signal;
        action.sa_flags         = SA_SIGINFO | SA_ONSTACK;
        sigemptyset(&action.sa_mask);
        is_complete = sigaction(signal.number, &action, &signal.before) == 0 && is_complete;
    }
    return is_complete;
}

#endif

}  // namespace

int32_t coblyn_crash_install(void) {
    return install() ? 1 : 0;
}
