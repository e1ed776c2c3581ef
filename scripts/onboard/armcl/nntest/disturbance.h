// What else went on in the machine during a run, as the kernel counts it: read right before a run
// and right after it, never in the time that is measured.  The Python programs write the same
// figures (programs_common/disturbance.py); who reads them decides whether a run was disturbed.
#ifndef NNTEST_DISTURBANCE_H
#define NNTEST_DISTURBANCE_H

#include "nntest/json.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <map>
#include <set>
#include <string>
#include <sys/resource.h>
#include <unistd.h>
#include <vector>

namespace nntest
{
// What a thread has had since it was started.
struct ThreadTimes
{
    uint64_t ran_ns, waited_ns, dispatches;
};

// Each thread's times by its id; none where the kernel does not count them: it has no such file,
// or writes zeros into it, although the thread that reads it must have been put on a CPU.
inline std::map<std::string, ThreadTimes> read_threads(const std::string &tasks = "/proc/self/task",
                                                       const std::string &own   = std::to_string(getpid()))
{
    std::map<std::string, ThreadTimes> found;
    DIR                               *folder = opendir(tasks.c_str());
    if(folder == nullptr)
    {
        return found;
    }
    while(const dirent *entry = readdir(folder))
    {
        const std::string thread = entry->d_name;
        if(thread[0] == '.')
        {
            continue; // in ".." is a file of that name, too
        }
        std::FILE *file = std::fopen((tasks + "/" + thread + "/schedstat").c_str(), "r");
        if(file == nullptr)
        {
            continue; // it has just ended
        }
        unsigned long long ran = 0, waited = 0, dispatches = 0;
        if(std::fscanf(file, "%llu %llu %llu", &ran, &waited, &dispatches) == 3)
        {
            found[thread] = ThreadTimes{ ran, waited, dispatches };
        }
        std::fclose(file);
    }
    closedir(folder);
    const auto self = found.find(own);
    if(self == found.end() || self->second.dispatches == 0)
    {
        found.clear();
    }
    return found;
}

// The core that a thread last ran on; -1 where the kernel does not say.
inline int last_core(const std::string &thread, const std::string &tasks = "/proc/self/task")
{
    std::FILE *file = std::fopen((tasks + "/" + thread + "/stat").c_str(), "r");
    if(file == nullptr)
    {
        return -1;
    }
    char         text[1024];
    const size_t length = std::fread(text, 1, sizeof text - 1, file);
    std::fclose(file);
    text[length] = 0;
    // Field 39; a thread's name, in parentheses, may have blanks.
    const char *field = std::strrchr(text, ')');
    for(int i = 2; field != nullptr && i < 39; ++i)
    {
        field = std::strchr(field + 1, ' ');
    }
    return field == nullptr ? -1 : std::atoi(field);
}

// Counts from when it is made until stop().
class Watch
{
public:
    Watch() : _stolen_s(stolen_s()), _used(used()), _threads(read_threads())
    {
    }

    // What has come to the counts since, as an object of the repetition's record.
    Json stop()
    {
        const std::map<std::string, ThreadTimes> threads = read_threads();
        const rusage                             used    = Watch::used();
        const double                             stolen  = stolen_s();
        double                                   load    = 0;
        JsonObject                               object;
        if(_threads.empty() || threads.empty())
        {
            object.add("waited_s", json_null())
                .add("dispatches", json_null())
                .add("threads", json_null())
                .add("cores", json_null());
        }
        else
        {
            add_threads(object, threads);
        }
        object.add("stolen_s", _stolen_s < 0 || stolen < 0 ? json_null() : json(stolen - _stolen_s))
            .add("involuntary_switches", used.ru_nivcsw - _used.ru_nivcsw)
            .add("major_faults", used.ru_majflt - _used.ru_majflt)
            .add("load", getloadavg(&load, 1) == 1 ? json(load) : json_null());
        return object.done();
    }

    // Those on which the threads that ran until stop() were last.
    const std::set<int> &cores() const
    {
        return _cores;
    }

private:
    void add_threads(JsonObject &object, const std::map<std::string, ThreadTimes> &threads)
    {
        const std::string own = std::to_string(getpid());
        uint64_t          waited_ns = 0, dispatches = 0;
        for(const auto &now : threads)
        {
            const auto        before = _threads.find(now.first);
            const ThreadTimes since  = before == _threads.end() ? ThreadTimes{ 0, 0, 0 } : before->second;
            waited_ns += now.second.waited_ns - since.waited_ns;
            dispatches += now.second.dispatches - since.dispatches;
            const int core = now.second.ran_ns > since.ran_ns || now.first == own ? last_core(now.first) : -1;
            if(core >= 0)
            {
                _cores.insert(core);
            }
        }
        object.add("waited_s", waited_ns / 1e9)
            .add("dispatches", dispatches)
            .add("threads", threads.size())
            .add("cores", json_list(std::vector<int>(_cores.begin(), _cores.end())));
    }

    static rusage used()
    {
        rusage used{};
        getrusage(RUSAGE_SELF, &used);
        return used;
    }

    // Seconds that a virtual machine's host took from all CPUs since the start; -1: not said.
    static double stolen_s()
    {
        std::FILE *file = std::fopen("/proc/stat", "r");
        if(file == nullptr)
        {
            return -1;
        }
        unsigned long long ticks = 0;
        const bool         said  = std::fscanf(file, "cpu %*u %*u %*u %*u %*u %*u %*u %llu", &ticks) == 1;
        std::fclose(file);
        return said ? static_cast<double>(ticks) / sysconf(_SC_CLK_TCK) : -1;
    }

    // In the order in which they are read: the threads last, since they are what runs.
    double                             _stolen_s;
    rusage                             _used;
    std::map<std::string, ThreadTimes> _threads;
    std::set<int>                      _cores;
};
} // namespace nntest
#endif
