// Products and attention by several threads at once, to be compiled with ThreadSanitizer or AddressSanitizer: the same
// numbers as by one thread, for shared and broadcast weights, a mixture of experts, and several streams.

#include "attention.h"
#include "barrier.h"
#include "policy.h"
#include "product.h"

#include "ggml-cpu-impl.h"
#include "ggml.h"

#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <random>
#include <thread>
#include <vector>

using namespace coblyn::kernels;

namespace {

int n_failures = 0;

void fill(ggml_tensor * tensor, std::mt19937 & random) {
    std::normal_distribution<float> normal;
    std::vector<float>              values(ggml_nelements(tensor));
    for (float & value : values) {
        value = normal(random);
    }
    ggml_quantize_chunk(tensor->type, values.data(), tensor->data, 0, ggml_nrows(tensor), tensor->ne[0], nullptr);
}

bool is_attention(const ggml_tensor * op) {
    return op->op == GGML_OP_FLASH_ATTN_EXT;
}

std::vector<float> compute_with(ggml_tensor * op, int threads) {
    std::vector<char> memory(is_attention(op) ? attention_work_size(op, threads) : work_size(op, false, threads));
    std::memset(op->data, 0xff, ggml_nbytes(op));
    std::vector<std::thread> team;
    for (int i = 0; i < threads; ++i) {
        team.emplace_back([&, i] {
            ggml_compute_params params{};
            params.ith        = i;
            params.nth        = threads;
            params.wsize      = memory.size();
            params.wdata      = memory.data();
            params.threadpool = (ggml_threadpool *) &n_failures;  // only its address counts
            if (is_attention(op)) {
                compute_attention(&params, op);
            } else {
                compute(&params, op, false);
            }
        });
    }
    for (std::thread & thread : team) {
        thread.join();
    }
    const float * data = (const float *) op->data;
    return { data, data + ggml_nelements(op) };
}

// Parts of a sum that are joined in another order round otherwise.
bool are_alike(const std::vector<float> & a, const std::vector<float> & b) {
    for (size_t i = 0; i < a.size(); ++i) {
        if (!(std::abs(a[i] - b[i]) <= 1e-5f * (1 + std::abs(b[i])))) {
            return false;
        }
    }
    return true;
}

void check(const char * what, ggml_tensor * op) {
    if (!(is_attention(op) ? takes_attention(op) : takes(op, false))) {
        ++n_failures;
        std::printf("FAIL %s %s: not taken\n", what, ggml_type_name(op->src[0]->type));
        return;
    }
    const std::vector<float> expected = compute_with(op, 1);
    for (const float value : expected) {
        if (!std::isfinite(value)) {
            ++n_failures;
            std::printf("FAIL %s %s: a result was not written\n", what, ggml_type_name(op->src[0]->type));
            return;
        }
    }
    for (int threads = 2; threads <= 5; ++threads) {
        const std::vector<float> got = compute_with(op, threads);
        if (is_attention(op) ? !are_alike(got, expected) : got != expected) {
            ++n_failures;
            std::printf("FAIL %s %s: %d threads differ\n", what, ggml_type_name(op->src[0]->type), threads);
        }
    }
}

void check_type(ggml_type type, std::mt19937 & random) {
    set_min_batch(type, 1);
    ggml_context *     context = ggml_init({ 64 << 20, nullptr, false });
    const int64_t      k       = 256;
    ggml_tensor *      plain   = ggml_new_tensor_2d(context, type, k, 100);
    ggml_tensor *      many    = ggml_new_tensor_4d(context, type, k, 33, 2, 3);
    ggml_tensor *      x       = ggml_new_tensor_2d(context, GGML_TYPE_F32, k, 150);
    ggml_tensor *      wide    = ggml_new_tensor_4d(context, GGML_TYPE_F32, k, 7, 4, 3);
    ggml_tensor *      experts = ggml_new_tensor_3d(context, type, k, 40, 5);
    ggml_tensor *      tokens  = ggml_new_tensor_3d(context, GGML_TYPE_F32, k, 1, 30);
    ggml_tensor *      ids     = ggml_new_tensor_2d(context, GGML_TYPE_I32, 2, 30);
    for (ggml_tensor * tensor : { plain, many, x, wide, experts, tokens }) {
        fill(tensor, random);
    }
    for (int64_t i = 0; i < 60; ++i) {
        ((int32_t *) ids->data)[i] = (int32_t) ((i / 2 + i % 2 * 2) % 5);
    }
    check("one matrix", ggml_mul_mat(context, plain, x));
    check("broadcast matrices", ggml_mul_mat(context, many, wide));
    check("experts", ggml_mul_mat_id(context, experts, tokens, ids));
    ggml_free(context);
}

// Three streams of some tokens, two heads of keys, heads beside tokens in memory as models have them.
void check_attention(ggml_type type, int tokens, std::mt19937 & random) {
    set_min_tokens(2);
    set_single(true);
    ggml_context * context = ggml_init({ 64 << 20, nullptr, false });
    ggml_tensor *  q       = ggml_new_tensor_4d(context, GGML_TYPE_F32, 64, 6, tokens, 3);
    ggml_tensor *  k       = ggml_new_tensor_4d(context, type, 64, 2, 130, 3);
    ggml_tensor *  v       = ggml_new_tensor_4d(context, type, 64, 2, 130, 3);
    ggml_tensor *  mask    = ggml_new_tensor_4d(context, GGML_TYPE_F16, 130, 64, 1, 3);
    for (ggml_tensor * tensor : { q, k, v }) {
        fill(tensor, random);
    }
    for (int64_t i = 0; i < ggml_nelements(mask); ++i) {
        ((uint16_t *) mask->data)[i] = i % 130 > 80 + i / 130 % 64 ? 0xfc00 : 0;
    }
    const auto turned = [&](ggml_tensor * tensor) { return ggml_permute(context, tensor, 0, 2, 1, 3); };
    check("attention", ggml_flash_attn_ext(context, turned(q), turned(k), turned(v), mask, 0.125f, 0, 0));
    ggml_free(context);
}

// More threads than any machine of ours has cores, so that some sleep: nobody leaves before all have come.
void check_barrier() {
    constexpr int            n = 32, rounds = 500;
    std::atomic<int>         arrivals{ 0 }, early{ 0 };
    std::vector<std::thread> team;
    for (int i = 0; i < n; ++i) {
        team.emplace_back([&] {
            for (int round = 1; round <= rounds; ++round) {
                arrivals.fetch_add(1);
                Barrier::of(&arrivals).wait(n);
                early.fetch_add(arrivals.load() < n * round);
            }
        });
    }
    for (std::thread & thread : team) {
        thread.join();
    }
    if (early.load() > 0) {
        ++n_failures;
        std::printf("FAIL barrier: left early %d times\n", early.load());
    }
}

#if defined(CLOCK_THREAD_CPUTIME_ID)
// Who waits long sleeps: the time that it computes meanwhile is that of its looks, whatever the machine's speed.
void check_sleep() {
    constexpr auto late = std::chrono::milliseconds(500);
    int            pool = 0;
    double         used = 0;
    std::thread    waiter([&] {
        Barrier::of(&pool).wait(2);
        timespec time{};
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
        used = (double) time.tv_sec + 1e-9 * (double) time.tv_nsec;
    });
    std::this_thread::sleep_for(late);
    Barrier::of(&pool).wait(2);
    waiter.join();
    if (used > std::chrono::duration<double>(late).count() / 4) {
        ++n_failures;
        std::printf("FAIL barrier: computed for %.3f s while it waited\n", used);
    }
}
#endif

}  // namespace

int main() {
    check_barrier();
#if defined(CLOCK_THREAD_CPUTIME_ID)
    check_sleep();
#endif
    std::mt19937 random(3);
    use_set(usable_sets()[0]);
    for (const ggml_type type : { GGML_TYPE_F16, GGML_TYPE_Q8_0 }) {
        check_attention(type, 50, random);
        check_attention(type, 1, random);
    }
    for (const ggml_type type : { GGML_TYPE_Q4_1, GGML_TYPE_Q8_0, GGML_TYPE_Q6_K, GGML_TYPE_F16 }) {
        check_type(type, random);
    }
    std::printf("%d failures\n", n_failures);
    return n_failures == 0 ? 0 : 1;
}
