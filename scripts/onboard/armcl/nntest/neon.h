// Runs operators on the CPU: Arm Compute Library's NEON tensors and its scheduler of threads.
#ifndef NNTEST_NEON_H
#define NNTEST_NEON_H

#include "nntest/failure.h"
#include "nntest/json.h"
#include "nntest/settings.h"
#include "nntest/version.h"

#include "arm_compute/runtime/NEON/NEScheduler.h"
#include "arm_compute/runtime/Tensor.h"

#include <cstdio>
#include <fstream>
#include <set>
#include <string>
#include <sys/auxv.h>
#include <unistd.h>

namespace nntest
{
class Neon
{
public:
    using Tensor = arm_compute::Tensor;

    Neon(const Settings &settings, const std::set<std::string> &tuners)
    {
        for(const std::string &tuner : tuners)
        {
            if(tuner != "NONE")
            {
                throw Failure::not_supported(shown("CK_LWS_TUNER_TYPE", tuner)
                                             + " is not supported on NEON: a CPU has no local work sizes to tune");
            }
        }
        if(settings.profile)
        {
            throw Failure::not_supported("NNTEST_PROFILE='kernels' is not supported on NEON: it launches no OpenCL "
                                         "kernels");
        }
        if(settings.element == Element::FP16)
        {
            check_half();
        }
        // By itself the scheduler starts a thread for every core of the machine.
        const size_t threads = settings.threads > 0 ? settings.threads : settings.cores.size();
        if(threads > 0)
        {
            arm_compute::NEScheduler::get().set_num_threads(threads);
        }
    }

    // Throws a Failure where all tensors together cannot fit the machine.
    void check_memory(double, double total) const
    {
        const double has = static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
        if(total > has)
        {
            char text[120];
            std::snprintf(text, sizeof text, "the tensors need %.0f MB in all and the machine has %.0f MB", total / 1e6,
                          has / 1e6);
            throw Failure::out_of_memory(text);
        }
    }

    // The scheduler returns when its threads have finished.
    void finish() const
    {
    }

    template <typename Doing>
    static void mapped(Tensor &, Doing doing)
    {
        doing();
    }

    // There is one tuner, none; see OpenCL for what these say where there are others.
    void use_tuner(const std::string &)
    {
    }
    void settle()
    {
    }
    double tuning_s() const
    {
        return 0;
    }
    Json tuner_state(const std::string &type) const
    {
        return JsonObject()
            .add("type", type)
            .add("tuning_s", 0.0)
            .add("mode", json_null())
            .add("local_sizes", JsonObject().done())
            .add("from_table", false)
            .done();
    }

    // No kernels to take down; see OpenCL.
    void enter(const char *)
    {
    }
    void add_kernels(JsonObject &)
    {
    }

    Json describe() const
    {
        return JsonObject()
            .add("name", processor())
            .add("platform", "NEON")
            .add("threads", arm_compute::NEScheduler::get().num_threads())
            .add("cores", sysconf(_SC_NPROCESSORS_ONLN))
            .add("fp16", cpu_has_half())
            .done();
    }

    template <typename Doing>
    static void guarded(Doing doing)
    {
        doing();
    }

private:
    static bool cpu_has_half()
    {
#ifdef __aarch64__
        const unsigned long half_arithmetic = 1ul << 10; // HWCAP_ASIMDHP
        return (getauxval(AT_HWCAP) & half_arithmetic) != 0;
#else
        return false;
#endif
    }

    // Both have to have it: a library for an older architecture has no kernels for halves, and
    // would compute something else, or nothing.
    static void check_half()
    {
        if(!cpu_has_half())
        {
            throw Failure::not_supported("NNTEST_DATA_TYPE='fp16' is not supported: this CPU has no half-precision "
                                         "arithmetic (Armv8.2-A's FP16)");
        }
        const std::string build = arm_compute::build_information();
        if(build.find("v8.2") == std::string::npos && build.find("v8.6") == std::string::npos)
        {
            throw Failure::not_supported("NNTEST_DATA_TYPE='fp16' is not supported: this library was not built for "
                                         "Armv8.2-A, so it has no half-precision kernels for the CPU");
        }
    }

    // What the kernel calls the last of the cores, most often the largest: its name, or its maker's
    // and its part's numbers, by which Arm's manuals know it.
    static std::string processor()
    {
        std::ifstream file("/proc/cpuinfo");
        std::string   line, name, implementer, part;
        while(std::getline(file, line))
        {
            const size_t      colon = line.find(':');
            const std::string key   = stripped(line.substr(0, colon));
            const std::string value = colon == std::string::npos ? "" : stripped(line.substr(colon + 1));
            name                    = key == "model name" ? value : name;
            implementer             = key == "CPU implementer" ? value : implementer;
            part                    = key == "CPU part" ? value : part;
        }
        if(!part.empty())
        {
            return "Arm CPU, implementer " + implementer + ", part " + part;
        }
        return name.empty() ? "unknown CPU" : name;
    }
};
} // namespace nntest
#endif
