// A barrier for the threads that compute one graph.
//
// ggml has one of its own, but does not export it on every platform.

#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <unordered_map>

#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#endif

namespace coblyn::kernels {

class Barrier {
  public:
    // The barrier of a thread pool. A pool that is gone leaves its barrier idle, ready for another pool at its address.
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
            release(round + 1);
            return;
        }
        // Work is distributed evenly, so the others are close, unless more threads want to run than there are cores.
        for (int i = 0; i < kSpins; ++i) {
            if (round_.load(std::memory_order_acquire) != round) {
                return;
            }
            rest();
        }
        sleep_through(round);
    }

  private:
    static constexpr int kSpins = 4000;

    void release(int next) {
        round_.store(next);
        // Either this thread sees that another went to sleep, or that one sees the new round: both are sequentially consistent.
        if (sleepers_.load() > 0) {
            { const std::lock_guard<std::mutex> lock(mutex_); }  // no thread is between check and sleep
            changed_.notify_all();
        }
    }

    // Yielding instead would take time that the others need to arrive: the scheduler need not choose them.
    void sleep_through(int round) {
        std::unique_lock<std::mutex> lock(mutex_);
        sleepers_.fetch_add(1);
        changed_.wait(lock, [&] { return round_.load() != round; });
        sleepers_.fetch_sub(1);
    }

    static void rest() {
#if defined(__x86_64__) || defined(_M_X64)
        _mm_pause();
#elif defined(__aarch64__)
        __asm__ volatile("isb");
#endif
    }

    alignas(64) std::atomic<int> arrived_{ 0 };
    alignas(64) std::atomic<int> round_{ 0 };
    std::atomic<int>             sleepers_{ 0 };
    std::mutex                   mutex_;
    std::condition_variable      changed_;
};

}  // namespace coblyn::kernels
