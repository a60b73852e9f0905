// A meeting point for the threads that compute one graph.
//
// ggml has one of its own, but does not export it on every platform.

#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>

#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#endif

namespace coblyn::accel {

class Barrier {
  public:
    // The one of a thread pool. A pool that is gone leaves its barrier at rest, ready for another at its address.
    static Barrier & of(const void * pool) {
        static std::mutex                                                mutex;
        static std::unordered_map<const void *, std::unique_ptr<Barrier>> barriers;
        thread_local const void * last  = nullptr;
        thread_local Barrier *    found = nullptr;
        if (found == nullptr || last != pool) {
            const std::lock_guard<std::mutex> lock(mutex);
            std::unique_ptr<Barrier> &        entry = barriers[pool];
            if (!entry) {
                entry = std::make_unique<Barrier>();
            }
            last  = pool;
            found = entry.get();
        }
        return *found;
    }

    // Return when `threads` threads have called it.
    void wait(int threads) {
        if (threads == 1) {
            return;
        }
        const int round = round_.load(std::memory_order_relaxed);
        if (arrived_.fetch_add(1, std::memory_order_acq_rel) == threads - 1) {
            arrived_.store(0, std::memory_order_relaxed);
            round_.store(round + 1, std::memory_order_release);
            return;
        }
        // Work is spread evenly, so the others are near, unless there are more threads than cores.
        for (int i = 0; round_.load(std::memory_order_acquire) == round; ++i) {
            if (i < kSpins) {
                rest();
            } else {
                std::this_thread::yield();
            }
        }
    }

  private:
    static constexpr int kSpins = 4000;

    static void rest() {
#if defined(__x86_64__) || defined(_M_X64)
        _mm_pause();
#elif defined(__aarch64__)
        __asm__ volatile("isb");
#endif
    }

    alignas(64) std::atomic<int> arrived_{ 0 };
    alignas(64) std::atomic<int> round_{ 0 };
};

}  // namespace coblyn::accel
