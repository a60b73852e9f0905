/* How ggml's own threads wait for each other, in builds without OpenMP: put in front of its C files, which stay as they are.
 *
 * They check in an endless loop whether they may continue. When other programs run too, the thread that is waited for may
 * have no core, since the waiting one occupies it, hundreds of times per token. In ggml-cpu.c each unsuccessful check calls
 * `ggml_thread_cpu_relax`; with this file it also measures how long the wait has lasted, and sleeps after a long one. What is
 * checked is changed by `atomic_fetch_add_explicit`, which with this file also wakes the sleepers.
 */

#if !defined(COBLYN_WAITING_H) && !defined(GGML_USE_OPENMP)
#define COBLYN_WAITING_H

/* Where the function is defined its parameters are `void`, where it is called there are none. */
#define ggml_thread_cpu_relax(...) COBLYN_RELAX_##__VA_ARGS__
#define COBLYN_RELAX_void ggml_thread_cpu_relax_once(void)
#define COBLYN_RELAX_ (coblyn_looked_in_vain(), ggml_thread_cpu_relax_once())

#if defined(_WIN32)
#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#ifndef NOMINMAX
#define NOMINMAX
#endif
#include <windows.h>

/* Offer the core to other threads: Windows rotates among them. */
#if defined(__GNUC__)
#define COBLYN_THREAD_LOCAL __thread
#else
#define COBLYN_THREAD_LOCAL __declspec(thread)
#endif

static inline void coblyn_looked_in_vain(void) {
    static COBLYN_THREAD_LOCAL unsigned looks;
    if (++looks % 1024 == 0) {
        Sleep(0);
    }
}

#else

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

#if defined(__clang__)
#define COBLYN_FETCH_ADD(at, value, order) __c11_atomic_fetch_add(at, value, order)
#else
#define COBLYN_FETCH_ADD(at, value, order) __atomic_fetch_add(at, value, order)
#endif
#undef atomic_fetch_add_explicit
#define atomic_fetch_add_explicit(at, value, order) coblyn_changed(COBLYN_FETCH_ADD(at, value, order))

/* Checks further apart than this belong to different waits: something was computed in between. */
#define COBLYN_SAME_WAIT_NS 2000
/* A longer wait is slept through: about as long as libgomp spins with the bound that is set for it. */
#define COBLYN_LONG_WAIT_NS 50000
/* A check that nothing announces, such as one for a new graph, is repeated after this time. */
#define COBLYN_SLEEP_NS 1000000

struct coblyn_waiting {
    pthread_mutex_t mutex;
    pthread_cond_t  cond;
    atomic_uint     round; /* a change that sleepers were told of */
    atomic_bool     is_anybody;
};

/* One per C file; all that wait and wake each other are in the same file. */
static struct coblyn_waiting coblyn_waiting = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0 };

static inline int coblyn_changed(int before) {
    atomic_thread_fence(memory_order_seq_cst);
    if (atomic_load_explicit(&coblyn_waiting.is_anybody, memory_order_relaxed)) {
        pthread_mutex_lock(&coblyn_waiting.mutex);
        atomic_store_explicit(&coblyn_waiting.is_anybody, 0, memory_order_relaxed);
        COBLYN_FETCH_ADD(&coblyn_waiting.round, 1, memory_order_relaxed);
        pthread_cond_broadcast(&coblyn_waiting.cond);
        pthread_mutex_unlock(&coblyn_waiting.mutex);
    }
    return before;
}

static inline int64_t coblyn_nanoseconds(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t) now.tv_sec * 1000000000 + now.tv_nsec;
}

static inline void coblyn_sleep(unsigned round) {
    const int64_t         until = coblyn_nanoseconds(CLOCK_REALTIME) + COBLYN_SLEEP_NS;
    const struct timespec then  = { until / 1000000000, until % 1000000000 };
    pthread_mutex_lock(&coblyn_waiting.mutex);
    while (atomic_load_explicit(&coblyn_waiting.round, memory_order_relaxed) == round &&
           pthread_cond_timedwait(&coblyn_waiting.cond, &coblyn_waiting.mutex, &then) == 0) {
    }
    pthread_mutex_unlock(&coblyn_waiting.mutex);
}

/* A sleep is announced, then the caller checks once more, then it sleeps: a change in the meantime starts another round. */
static inline void coblyn_looked_in_vain(void) {
    static __thread int64_t  began, last;
    static __thread unsigned round;
    static __thread int      is_announced;
    const int64_t            now = coblyn_nanoseconds(CLOCK_MONOTONIC);
    if (now - last > COBLYN_SAME_WAIT_NS) {
        began        = now;
        is_announced = 0;
    }
    last = now;
    if (is_announced) {
        coblyn_sleep(round);
        last = coblyn_nanoseconds(CLOCK_MONOTONIC);
    }
    is_announced = last - began > COBLYN_LONG_WAIT_NS;
    if (is_announced) {
        round = atomic_load_explicit(&coblyn_waiting.round, memory_order_relaxed);
        atomic_store_explicit(&coblyn_waiting.is_anybody, 1, memory_order_relaxed);
        atomic_thread_fence(memory_order_seq_cst);
    }
}

#endif
#endif
