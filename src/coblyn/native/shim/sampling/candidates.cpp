#include "candidates.h"

#include "coblyn.h"

#include <algorithm>
#include <cmath>

namespace coblyn {

namespace {

// How far below the best, in logits after scaling, a set of tokens with a share of the mass may reach.
constexpr float distances[n_floors] = {0.5f, 1.5f, 3.0f, 5.0f, 7.0f, 10.0f, 14.0f, 20.0f};

// Moves the smallest set of best tokens that reaches `mass` to the beginning of a list that contains it, and returns its size. A
// histogram of the mass over bands of logits shows which band contains the border, so that only that band has to be sorted.
size_t select_mass(std::vector<Candidate> & items, float best, float scale, double mass) {
    constexpr int32_t bands         = 1024;
    const float       per_unit      = 32.0f * scale;  // bands below `best`, 1/32 wide; the last one takes the rest
    double            masses[bands] = {};
    const auto band_of = [&](float logit) {
        const float distance = (best - logit) * per_unit;
        return distance < (float) (bands - 1) ? (int32_t) distance : bands - 1;
    };
    for (const Candidate & item : items) {
        masses[band_of(item.logit)] += exponential((item.logit - best) * scale);
    }
    int32_t border = 0;
    double  sum    = 0;
    while (border < bands - 1 && sum + masses[border] < mass) {
        sum += masses[border++];
    }
    const auto middle = std::partition(items.begin(), items.end(),
                                       [&](const Candidate & c) { return band_of(c.logit) < border; });
    const auto end    = std::partition(middle, items.end(),
                                       [&](const Candidate & c) { return band_of(c.logit) == border; });
    std::sort(middle, end, before);
    size_t       kept    = middle - items.begin();
    const size_t n_below = end - items.begin();
    for (; kept < n_below && sum < mass; ++kept) {
        sum += exponential((items[kept].logit - best) * scale);
    }
    return std::max<size_t>(1, kept);
}

}  // namespace

void Candidates::begin(float * logits, int32_t n, bool was_masked) {
    row       = logits;
    n_vocab   = n;
    factor    = 1.0;
    is_list   = false;
    is_masked = was_masked;
    is_seen   = false;
    n_sorted  = 0;
    raw.clear();
}

void Candidates::see() {
    if (!is_seen) {
        groups.look(row, n_vocab);
        is_seen = true;
    }
}

int32_t Candidates::fault() {
    see();
    const float top = groups.best();
    if (groups.has_nan() || top == std::numeric_limits<float>::infinity()) {
        return COBLYN_NO_NUMBERS;
    }
    if (top > minus_infinity) {
        return 0;
    }
    if (is_masked) {
        return COBLYN_ALL_FORBIDDEN;
    }
    // Only biases, bans and penalties can remove a sound model's last finite logit.
    for (auto change = raw.rbegin(); change != raw.rend(); ++change) {
        row[change->first] = change->second;
    }
    const bool is_sound = std::any_of(row, row + n_vocab, [](float logit) { return std::isfinite(logit); });
    return is_sound ? COBLYN_ALL_FORBIDDEN : COBLYN_NO_NUMBERS;
}

size_t Candidates::count() const {
    if (is_list) {
        return items.size();
    }
    size_t found = 0;
    for (int32_t i = 0; i < n_vocab; ++i) {
        found += row[i] > minus_infinity;
    }
    return found;
}

float Candidates::best() {
    if (!is_list) {
        see();
        return bounded(groups.best() * factor);
    }
    if (n_sorted > 0) {
        return items[0].logit;
    }
    float top = minus_infinity;
    for (const Candidate & item : items) {
        top = item.logit > top ? item.logit : top;
    }
    return top;
}

// The mass of each block of the row, and the sum of all.
double Candidates::weigh() {
    masses.resize(n_parts(n_vocab, block));
    return exponential_sums(row, n_vocab, groups.best(), (float) factor, masses.data());
}

double Candidates::mass() {
    if (!is_list) {
        see();
        return weigh();
    }
    const float top   = best();
    double      total = 0;
    for (const Candidate & item : items) {
        total += exponential(item.logit - top);
    }
    return total;
}

double Candidates::entropy() {
    const float top   = best();
    double      total = 0;
    double      drop  = 0;  // of the logits below the best, weighted
    const auto  add   = [&](float distance) {
        const double weight = exponential(distance);
        total += weight;
        drop -= weight > 0 ? weight * distance : 0.0;
    };
    if (is_list) {
        for (const Candidate & item : items) {
            add(item.logit - top);
        }
    } else {
        for (int32_t i = 0; i < n_vocab; ++i) {
            add((float) (row[i] * factor - top));
        }
    }
    return std::log(total) + drop / total;
}

double Candidates::deviation() {
    const float top = best();
    Moments     all = {0, 0, 0};
    if (is_list) {
        for (const Candidate & item : items) {
            const double distance = (double) top - item.logit;
            all.count += 1;
            all.below += distance;
            all.squares += distance * distance;
        }
    } else {
        all = moments(row, n_vocab, groups.best());
    }
    const double mean = all.below / all.count;
    return std::sqrt(std::max(0.0, all.squares / all.count - mean * mean)) * (is_list ? 1.0 : factor);
}

void Candidates::keep_best(size_t k) {
    if (!is_list) {
        see();
        groups.select_best(k, items);
        is_list = true;
        for (Candidate & item : items) {
            item.logit = bounded(item.logit * factor);
        }
    } else if (k < items.size()) {
        if (k > n_sorted) {
            std::nth_element(items.begin() + n_sorted, items.begin() + (k - 1), items.end(), before);
        }
        items.resize(k);
        n_sorted = std::min(n_sorted, k);
    }
}

void Candidates::top(size_t k, std::vector<Candidate> & out) {
    see();
    groups.select_best(k, out);
    std::sort(out.begin(), out.end(), before);
}

void Candidates::above(double limit, std::vector<Candidate> & out) {
    out.clear();
    if (!is_list && factor == 1.0) {
        see();
        groups.select_above((float) limit, out);
        return;
    }
    for (const Candidate & item : list()) {
        if (item.logit >= limit) {
            out.push_back(item);
        }
    }
}

void Candidates::keep_above(double limit) {
    const float top   = best();
    const float floor = limit < top ? (float) limit : top;  // also where the limit is NaN
    if (!is_list) {
        // The best may lie below the smallest number that it is clamped to.
        groups.select_above((float) std::min<double>(floor / factor, groups.best()), items);
        is_list = true;
        for (Candidate & item : items) {
            item.logit = bounded(item.logit * factor);
        }
        return;
    }
    size_t kept = 0, sorted_kept = 0;
    for (size_t i = 0; i < items.size(); ++i) {
        if (items[i].logit >= floor) {
            sorted_kept += i < n_sorted;
            items[kept++] = items[i];
        }
    }
    items.resize(kept);
    n_sorted = sorted_kept;
}

void Candidates::keep_share(double share) {
    if (!is_list) {
        keep_share_of_row(share);
        return;
    }
    const float  top    = best();
    const double target = share * mass();
    double       sum    = 0;
    for (size_t i = 0; i < items.size(); ++i) {
        if (i >= n_sorted) {
            sorted(std::max<size_t>(64, 4 * i));
        }
        sum += exponential(items[i].logit - top);
        if (sum >= target) {
            items.resize(i + 1);
            n_sorted = i + 1;
        }
    }
}

void Candidates::keep_share_of_row(double share) {
    see();
    const float top = groups.best(), times = (float) factor;
    float       floors[n_floors];
    double      above[n_floors];
    for (int32_t i = 0; i < n_floors; ++i) {
        floors[i] = top - distances[i] / times;
    }
    const double mass   = share * exponential_sums_above(row, n_vocab, top, times, floors, above);
    const double enough = mass * (1 + 1e-5);  // sums of floats
    const auto   found  = std::find_if(above, above + n_floors, [&](double sum) { return sum >= enough; });
    groups.select_above(found == above + n_floors ? minus_infinity : floors[found - above], items);
    items.resize(select_mass(items, top, times, mass));
    is_list = true;
    for (Candidate & item : items) {
        item.logit = bounded(item.logit * factor);
    }
}

void Candidates::scale(double by) {
    if (!is_list) {
        factor *= by;
        return;
    }
    for (Candidate & item : items) {
        item.logit = bounded(item.logit * by);
    }
}

std::vector<Candidate> & Candidates::list() {
    if (!is_list) {
        is_list = true;
        items.clear();
        for (int32_t i = 0; i < n_vocab; ++i) {
            if (row[i] > minus_infinity) {
                items.push_back({bounded(row[i] * factor), i});
            }
        }
    }
    return items;
}

std::vector<Candidate> & Candidates::sorted(size_t n) {
    list();
    n = std::min(n, items.size());
    if (n > n_sorted) {
        const auto start = items.begin() + n_sorted, end = items.begin() + n;
        if (end != items.end()) {
            std::nth_element(start, end - 1, items.end(), before);
        }
        std::sort(start, end, before);
        n_sorted = n;
    }
    return items;
}

void Candidates::place() {
    list();
    n_sorted = 0;
    places.resize(n_vocab);
    for (size_t i = 0; i < items.size(); ++i) {
        places[items[i].token] = (int32_t) i + 1;
    }
}

void Candidates::unplace() {
    for (const Candidate & item : items) {
        places[item.token] = 0;
    }
}

int32_t Candidates::draw(double number) {
    return is_list ? draw_from_list(number) : draw_from_row(number);
}

// The mass of each block shows which one contains the token, so that only that block is read token by token.
int32_t Candidates::draw_from_row(double number) {
    see();
    const float top = groups.best(), times = (float) factor * log2_of_e;
    double      target = number * weigh();
    size_t chosen = 0;
    for (size_t i = 0; i < masses.size(); ++i) {
        if (masses[i] > 0) {
            chosen = i;
            if (masses[i] > target) {
                break;
            }
            target -= masses[i];
        }
    }
    const int32_t end  = std::min(n_vocab, (int32_t) (chosen + 1) * block);
    int32_t       last = -1;
    for (int32_t i = (int32_t) chosen * block; i < end; ++i) {
        const float weight = power_of_two((row[i] - top) * times);
        if (weight > 0) {
            last = i;
            target -= weight;
            if (target < 0) {
                break;
            }
        }
    }
    return last;
}

// Bisects the list by id until one entry is left: in order of id, but without sorting.
int32_t Candidates::draw_from_list(double number) {
    const float top   = best();
    double      total = 0;
    for (Candidate & item : items) {
        item.logit = exponential(item.logit - top);  // from here on, a weight
        total += item.logit;
    }
    double     target = number * total;
    auto       start = items.begin(), end = items.end();
    const auto by_id = [](const Candidate & a, const Candidate & b) { return a.token < b.token; };
    while (end - start > 32) {
        const auto middle = start + (end - start) / 2;
        std::nth_element(start, middle, end, by_id);
        double left = 0;
        for (auto item = start; item != middle; ++item) {
            left += item->logit;
        }
        if (left > target) {
            end = middle;
        } else {
            target -= left;
            start = middle;
        }
    }
    std::sort(start, end, by_id);
    int32_t last = -1;
    for (auto item = start; item != end; ++item) {
        if (item->logit > 0) {
            last = item->token;
            target -= item->logit;
            if (target < 0) {
                break;
            }
        }
    }
    // Rounding may lead past the last token that can be drawn; then the best one is used.
    return last >= 0 ? last : std::max_element(items.begin(), items.end(), [](const Candidate & a, const Candidate & b) {
        return a.logit < b.logit;
    })->token;
}

void Candidates::leading(size_t k, std::vector<Candidate> & out) {
    if (is_list) {
        const auto & best_first = sorted(k);
        out.assign(best_first.begin(), best_first.begin() + std::min(k, best_first.size()));
        return;
    }
    top(k, out);
    for (Candidate & candidate : out) {
        candidate.logit = bounded(candidate.logit * factor);
    }
}

double Candidates::drawn_logprob(int32_t token, double mass) const {
    if (!is_list) {
        return (row[token] - groups.best()) * factor - std::log(mass);
    }
    for (const Candidate & item : items) {
        if (item.token == token) {
            return std::log((double) item.logit / mass);  // a weight since the draw
        }
    }
    return -INFINITY;
}

float Candidates::raw_logit(int32_t token) const {
    for (const auto & [changed, value] : raw) {
        if (changed == token) {
            return value;
        }
    }
    return row[token];
}

}  // namespace coblyn
