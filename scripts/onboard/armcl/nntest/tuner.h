// Arm Compute Library's own tuner of local work sizes, watched: how long it searched, and what it
// chose for which kernel; and the file in which it keeps what it found.
#ifndef NNTEST_TUNER_H
#define NNTEST_TUNER_H

#include "nntest/failure.h"
#include "nntest/json.h"
#include "nntest/settings.h"

#if ARMCL_VERSION < 2011 // from 20.11 on a kernel's class is the library's own affair
#include "arm_compute/core/CL/ICLKernel.h"
#endif
#include "arm_compute/runtime/CL/CLTuner.h"

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <set>
#include <string>
#include <unistd.h>
#include <unordered_map>
#include <vector>

namespace nntest
{
const bool TUNER_HAS_MODES = ARMCL_VERSION >= 1905;
const bool TUNER_HAS_FILES = ARMCL_VERSION >= 1803;

class Tuner : public arm_compute::CLTuner
{
public:
    // Loads the table, unless it was made in another mode: what a rapid search has found is not
    // what an exhaustive one would find.  Throws a Failure for a table that cannot be read, and
    // for a mode that this version of the library does not have.
    explicit Tuner(const Settings &settings)
        : _mode(settings.tuner_mode), _table(TUNER_HAS_FILES ? settings.tuner_table : "")
    {
        choose_mode();
        if(!_table.empty())
        {
            check_folder();
            load();
        }
        _loaded = sizes().size();
    }

    const std::string &mode() const
    {
        return _mode;
    }
    // Whether every kernel so far was in the table.
    bool searched() const
    {
        return sizes().size() > _loaded;
    }
    // Seconds in the tuner, if it searched.
    double seconds() const
    {
        return searched() ? _seconds : 0.0;
    }

    // Kernel -> [x, y, z], or null where it chose to leave the size to the driver.  Null as a whole
    // where the library does not tell which of the table's kernels are this operator's.
    Json local_sizes() const
    {
        if(ARMCL_VERSION >= 2011)
        {
            return json_null();
        }
        JsonObject object;
        for(const auto &entry : sizes())
        {
            // Later versions add the GPU's kind and its number of cores to a kernel's name.
            const std::string &key = entry.first;
            const size_t       end = key.rfind("_MP") == std::string::npos ? 0 : key.rfind('_', key.rfind("_MP") - 1);
            if(_kernels.count(key) + _kernels.count(key.substr(0, end)) > 0)
            {
                const std::vector<size_t> xyz{ entry.second[0], entry.second[1], entry.second[2] };
                object.add(key, xyz[0] == 0 ? json_null() : json_list(xyz));
            }
        }
        return object.done();
    }

    // Keep what was found, if there is anything new, for the processes that come after.
    void save() const
    {
#if ARMCL_VERSION >= 1803
        if(_table.empty() || !searched())
        {
            return;
        }
        const std::string fresh = _table + "." + std::to_string(getpid());
        try
        {
            save_to_file(fresh);
            std::ofstream(_table + ".mode") << _mode << "\n";
        }
        catch(const std::exception &error)
        {
            std::remove(fresh.c_str());
            throw Failure::bad_value(shown("NNTEST_TUNER_TABLE", _table) + " cannot be written: " + error.what());
        }
        if(std::rename(fresh.c_str(), _table.c_str()) != 0)
        {
            throw Failure::bad_value(shown("NNTEST_TUNER_TABLE", _table) + " cannot be written: " + std::strerror(errno));
        }
#endif
    }

#if ARMCL_VERSION >= 1805
    void tune_kernel_dynamic(arm_compute::ICLKernel &kernel) override
    {
        const Watch watch(*this, kernel);
        CLTuner::tune_kernel_dynamic(kernel);
    }
#else
    void tune_kernel(arm_compute::ICLKernel &kernel) override
    {
        const Watch watch(*this, kernel);
        CLTuner::tune_kernel(kernel);
    }
#endif
#if ARMCL_VERSION >= 2008
    void tune_kernel_dynamic(arm_compute::ICLKernel &kernel, arm_compute::ITensorPack &tensors) override
    {
        const Watch watch(*this, kernel);
        CLTuner::tune_kernel_dynamic(kernel, tensors);
    }
#endif

private:
    using Sizes = std::unordered_map<std::string, cl::NDRange>;

    // The time from here to the end of the block, as time in the tuner; one call may make another.
    class Watch
    {
    public:
        Watch(Tuner &tuner, const arm_compute::ICLKernel &kernel)
            : _tuner(tuner), _start(std::chrono::steady_clock::now())
        {
            ++_tuner._depth;
            if(!_tuner.settled)
            {
                _tuner.take_down(kernel);
            }
        }
        ~Watch()
        {
            const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - _start;
            _tuner._seconds += --_tuner._depth == 0 ? taken.count() : 0.0;
        }

    private:
        Tuner                                &_tuner;
        std::chrono::steady_clock::time_point _start;
    };

    void take_down(const arm_compute::ICLKernel &kernel)
    {
#if ARMCL_VERSION < 2011
        _kernels.insert(kernel.config_id());
#else
        (void)kernel;
#endif
    }

    void choose_mode()
    {
        if(!TUNER_HAS_MODES)
        {
            if(!_mode.empty() && _mode != "exhaustive")
            {
                throw Failure::not_supported(shown("NNTEST_TUNER_MODE", _mode)
                                             + " is not supported: before 19.05 the tuner always searches exhaustively");
            }
            _mode = "exhaustive";
            return;
        }
        _mode = _mode.empty() ? "rapid" : _mode;
#if ARMCL_VERSION >= 1905
        set_tuner_mode(_mode == "exhaustive" ? arm_compute::CLTunerMode::EXHAUSTIVE
                       : _mode == "normal"   ? arm_compute::CLTunerMode::NORMAL
                                             : arm_compute::CLTunerMode::RAPID);
#endif
    }

    void check_folder() const
    {
        const size_t      slash  = _table.rfind('/');
        const std::string folder = slash == std::string::npos ? "." : _table.substr(0, slash + 1);
        if(access(folder.c_str(), W_OK) != 0)
        {
            throw Failure::bad_value(shown("NNTEST_TUNER_TABLE", _table) + " lies in a folder that cannot be written");
        }
    }

    void load()
    {
#if ARMCL_VERSION >= 1803
        std::string   made_in;
        std::ifstream mode(_table + ".mode");
        mode >> made_in;
        if(made_in != _mode || !std::ifstream(_table).good())
        {
            return;
        }
        try
        {
            load_from_file(_table);
        }
        catch(const std::exception &error)
        {
            throw Failure::bad_value(shown("NNTEST_TUNER_TABLE", _table) + " is no table of local sizes ("
                                     + error.what() + "); remove the file to tune anew");
        }
#endif
    }

    const Sizes &sizes() const
    {
#if ARMCL_VERSION >= 1803
        return lws_table();
#else
        return const_cast<Tuner *>(this)->export_lws_table();
#endif
    }

    std::string           _mode;
    std::string           _table;
    size_t                _loaded  = 0;
    double                _seconds = 0;
    int                   _depth   = 0;
    std::set<std::string> _kernels;

public:
    // Set once the warm-up is over: from then on nothing is taken down, to keep out of the times.
    bool settled = false;
};
} // namespace nntest
#endif
