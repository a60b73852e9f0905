#include "candidates.h"

#include "coblyn.h"

#include <algorithm>
#include <cmath>

namespace coblyn {

namespace {

// How far from a logit, after scaling, a set of tokens with some mass may reach; tried one after the other.
constexpr double reaches[] = {3.0, 7.0, 12.0, 20.0, std::numeric_limits<double>::infinity()};

// Moves the smallest set of those nearest to `middle` whose mass reaches `mass` to the beginning of a list that contains it, and
// returns its size. A histogram of the mass over bands of distances shows which band contains the border, so that only that band
// has to be sorted.
size_t select_near(std::vector<Candidate> & items, double middle, float best, float scale, double mass) {
    constexpr int32_t bands         = 1024;
    const double      per_unit      = 32.0 * scale;  // bands of distance, 1/32 wide; the last one takes the rest
    double            masses[bands] = {};
    const auto distance = [&](const Candidate & c) { return std::fabs(c.logit - middle); };
    const auto band_of  = [&](const Candidate & c) { return (int32_t) std::min(distance(c) * per_unit, bands - 1.0); };
    for (const Candidate & item : items) {
        masses[band_of(item)] += exponential((item.logit - best) * scale);
    }
    int32_t border = 0;
    double  sum    = 0;
    while (border < bands - 1 && sum + masses[border] < mass) {
        sum += masses[border++];
    }
    const auto inner_end = std::partition(items.begin(), items.end(), [&](const Candidate & c) { return band_of(c) < border; });
    const auto end       = std::partition(inner_end, items.end(), [&](const Candidate & c) { return band_of(c) == border; });
    std::sort(inner_end, end, [&](const Candidate & a, const Candidate & b) {
        return distance(a) < distance(b) || (distance(a) == distance(b) && before(a, b));
    });
    size_t       kept    = inner_end - items.begin();
    const size_t n_below = end - items.begin();
    for (; kept < n_below && sum < mass; ++kept) {
        sum += exponential((items[kept].logit - best) * scale);
    }
    return std::max<size_t>(1, kept);
}

// The part in which a cumulative mass is exceeded: the last one that has any mass, where rounding leads past it. Of the mass, what
// the parts before it have is taken off.
size_t find_share(const std::vector<double> & masses, double & target) {
    size_t chosen = 0;
    for (size_t i = 0; i < masses.size(); ++i) {
        if (masses[i] > 0) {
            target -= i == 0 ? 0.0 : masses[chosen];
            chosen = i;
            if (masses[i] > target) {
                break;
            }
        }
    }
    return chosen;
}

}  // namespace

void Candidates::begin(float * logits, int32_t n, bool was_masked) {
    given     = logits;
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

Weighed Candidates::weighed_all() {
    const float top = best();
    if (!is_list) {
        return weighed(row, n_vocab, groups.best(), (float) factor);
    }
    Weighed all = {0, 0};
    for (const Candidate & item : items) {
        const double weight = exponential(item.logit - top);
        all.mass += weight;
        all.drops += weight > 0 ? weight * ((double) top - item.logit) : 0.0;
    }
    return all;
}

double Candidates::expected() {
    const Weighed all = weighed_all();
    return best() - all.drops / all.mass;
}

double Candidates::entropy() {
    const Weighed all = weighed_all();
    return std::log(all.mass) + all.drops / all.mass;
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

void Candidates::keep_near(double logit, double mass) {
    if (is_list) {
        items.resize(select_near(items, logit, best(), 1.0f, mass));
    } else {
        see();
        list_near(logit / factor, mass * (1 + 1e-5));  // sums of floats
        items.resize(select_near(items, logit / factor, groups.best(), (float) factor, mass));
        is_list = true;
        for (Candidate & item : items) {
            item.logit = bounded(item.logit * factor);
        }
    }
    n_sorted = 0;
}

// Those of the row so far from a logit that they have the mass.
void Candidates::list_near(double logit, double mass) {
    const float top = groups.best(), times = (float) factor;
    for (const double reach : reaches) {
        const double below = logit - reach / factor, above = logit + reach / factor;
        groups.select_above((float) below, items);
        if (above < top) {
            items.erase(std::remove_if(items.begin(), items.end(), [&](const Candidate & c) { return c.logit > above; }),
                        items.end());
        }
        double sum = 0;
        for (const Candidate & item : items) {
            sum += exponential((item.logit - top) * times);
        }
        if (sum >= mass) {
            return;
        }
    }
}

// A row keeps its logits and a factor; where the best one would leave the bounds, all are clamped, so it becomes a list.
void Candidates::scale(double by) {
    if (!is_list) {
        see();
        if (std::fabs(groups.best() * factor * by) <= largest) {
            factor *= by;
            return;
        }
    }
    for (Candidate & item : list()) {
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
    const float   top = groups.best(), times = (float) factor * log2_of_e;
    double        target = number * weigh();
    const int32_t start  = (int32_t) find_share(masses, target) * block, end = std::min(n_vocab, start + block);
    int32_t       last   = -1;
    for (int32_t i = start; i < end; ++i) {
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

// In the same way, of blocks of ids: so only the candidates of one block are sorted by id.
int32_t Candidates::draw_from_list(double number) {
    const int32_t ids = items.size() > 32 ? 256 : n_vocab;
    const float   top = best();
    double        total = 0;
    masses.assign(n_parts(n_vocab, ids), 0.0);
    for (Candidate & item : items) {
        item.logit = exponential(item.logit - top);  // from here on, a weight
        masses[item.token / ids] += item.logit;
        total += item.logit;
    }
    double        target = number * total;
    const int32_t chosen = (int32_t) find_share(masses, target);
    drawable.clear();
    for (const Candidate & item : items) {
        if (item.token / ids == chosen && item.logit > 0) {
            drawable.push_back(item);
        }
    }
    std::sort(drawable.begin(), drawable.end(), [](const Candidate & a, const Candidate & b) { return a.token < b.token; });
    for (const Candidate & item : drawable) {
        target -= item.logit;
        if (target < 0) {
            return item.token;
        }
    }
    return drawable.back().token;  // rounding may lead past the last one
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
    return given[token];
}

}  // namespace coblyn
