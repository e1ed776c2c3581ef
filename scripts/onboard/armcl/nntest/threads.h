// How many threads a run uses, and that they stay on the cores that the point is for.
#ifndef NNTEST_THREADS_H
#define NNTEST_THREADS_H

#include "nntest/disturbance.h"
#include "nntest/failure.h"
#include "nntest/json.h"
#include "nntest/loop.h"
#include "nntest/settings.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace nntest
{
// How many threads compute during run, which is called for a while; 0: not known.  As
// programs_common/threads.py counts them, with the same limits.
template <typename Run>
int threads_used(const Run &run)
{
    const double LONG_ENOUGH_S = 0.04, SHARE = 0.5, LEAST_NS = 1e6;
    // What set-up left behind may still spin, and some threads start only now.
    Loop(LONG_ENOUGH_S, run);
    const std::map<std::string, ThreadTimes> before = read_threads();
    const Loop                               loop(LONG_ENOUGH_S, run);
    std::vector<double>                      taken;
    for(const auto &now : read_threads())
    {
        const auto known = before.find(now.first);
        taken.push_back(now.second.ran_ns - (known == before.end() ? 0 : known->second.ran_ns));
    }
    const double busiest = taken.empty() ? 0 : *std::max_element(taken.begin(), taken.end());
    if(before.empty() || busiest < LEAST_NS * loop.runs())
    {
        return 0;
    }
    return std::count_if(taken.begin(), taken.end(), [&](double ran) { return ran >= SHARE * busiest; });
}

inline Json threads_state(const Settings &settings, int used)
{
    const size_t cores = settings.cores.empty() ? std::thread::hardware_concurrency() : settings.cores.size();
    return JsonObject()
        .add("asked", settings.threads > 0 ? json(settings.threads) : json_null())
        .add("used", used > 0 ? json(used) : json_null())
        .add("cores", cores)
        .done();
}

// Throws a Failure where threads were on other cores than those that the point is for.
inline void check_cores(const std::set<int> &ran_on, const Settings &settings)
{
    for(const int core : settings.cores.empty() ? std::set<int>() : ran_on)
    {
        if(settings.cores.count(core) == 0)
        {
            throw Failure::not_supported("its threads ran on core " + std::to_string(core)
                                         + " as well, and the point is for " + shown("NNTEST_CORES", read_text("NNTEST_CORES"))
                                         + ": the library places its threads itself");
        }
    }
}
} // namespace nntest
#endif
