/* A thread that waits as ggml's do, for half a second, with waiting.h put in front. Prints the milliseconds of processor
 * time that the wait took, and how often it looked. */

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

static inline void ggml_thread_cpu_relax(void) {}

static atomic_int  passed;
static atomic_long looks;

static double milliseconds(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

static void * wait_for_it(void * took) {
    const double before = milliseconds(CLOCK_THREAD_CPUTIME_ID);
    while (atomic_load_explicit(&passed, memory_order_relaxed) == 0) {
        ggml_thread_cpu_relax();
        atomic_fetch_add(&looks, 1);
    }
    *(double *) took = milliseconds(CLOCK_THREAD_CPUTIME_ID) - before;
    return 0;
}

int main(void) {
    pthread_t             thread;
    double                took;
    const struct timespec half = { 0, 500000000 };
    pthread_create(&thread, 0, wait_for_it, &took);
    nanosleep(&half, 0);
    atomic_fetch_add_explicit(&passed, 1, memory_order_seq_cst);
    pthread_join(thread, 0);
    printf("%.0f %ld\n", took, (long) looks);
    return 0;
}
