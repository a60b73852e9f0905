// The library logs from any thread, in fragments. Lines are assembled here and wait in a bounded queue.

#include "coblyn.h"

#include "ggml.h"
#include "llama.h"

#include <algorithm>
#include <cstring>
#include <deque>
#include <mutex>
#include <string>

namespace {

constexpr size_t max_lines = 1000;

struct Line {
    int         level;
    std::string text;
};

std::mutex       mutex;
std::deque<Line> lines;
Line             open_line{GGML_LOG_LEVEL_INFO, ""};

void close_line() {
    if (!open_line.text.empty()) {
        if (lines.size() == max_lines) {
            lines.pop_front();
        }
        lines.push_back(open_line);
        open_line.text.clear();
    }
}

void receive(ggml_log_level level, const char * text, void * /*user_data*/) {
    if (level == GGML_LOG_LEVEL_DEBUG) {
        return;
    }
    const std::lock_guard<std::mutex> lock(mutex);
    if (level != GGML_LOG_LEVEL_CONT) {
        close_line();
        open_line.level = level;
    }
    for (const char * c = text; *c; ++c) {
        if (*c == '\n') {
            close_line();
        } else {
            open_line.text.push_back(*c);
        }
    }
}

}  // namespace

void coblyn_log_install(void) {
    llama_log_set(receive, nullptr);
}

void * coblyn_log_receiver(void) {
    return reinterpret_cast<void *>(receive);
}

int32_t coblyn_log_take(char * buffer, size_t size) {
    const std::lock_guard<std::mutex> lock(mutex);
    if (lines.empty() || size == 0) {
        return 0;
    }
    const Line & line   = lines.front();
    const size_t length = std::min(size - 1, line.text.size());
    std::memcpy(buffer, line.text.data(), length);
    buffer[length]     = '\0';
    const int32_t level = line.level;
    lines.pop_front();
    return level;
}
