// Arm Compute Library's own tuner of local work sizes, watched: how long it searched, and what it
// chose for which kernel; and the file in which it keeps what it found, or from which it is told.
#ifndef NNTEST_TUNER_H
#define NNTEST_TUNER_H

#include "nntest/failure.h"
#include "nntest/json.h"
#include "nntest/profile.h"
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
#include <sstream>
#include <string>
#include <unistd.h>
#include <unordered_map>
#include <vector>

namespace nntest
{
const bool TUNER_HAS_MODES = ARMCL_VERSION >= 1905;
const bool TUNER_HAS_FILES = ARMCL_VERSION >= 1803;

// DEFAULT searches the best size for every kernel that it does not know yet.  CUSTOM never
// searches: kernels that its table does not name are left to the driver.
class Tuner : public arm_compute::CLTuner
{
public:
    // DEFAULT loads the table, unless it was made in another mode: what a rapid search has found
    // is not what an exhaustive one would find.  Throws a Failure for a table that cannot be read,
    // and for a mode that this version of the library does not have.
    Tuner(const Settings &settings, bool custom)
        : _custom(custom), _mode(settings.tuner_mode), _table(TUNER_HAS_FILES && !custom ? settings.tuner_table : "")
    {
        if(_custom)
        {
            import_table(settings.tuner_table_in);
        }
        else
        {
            choose_mode();
        }
        if(!_table.empty())
        {
            check_folder();
            load();
        }
        _loaded = sizes().size();
    }

    // What run_time_state says of it.
    Json state() const
    {
        JsonObject object;
        object.add("type", _custom ? "CUSTOM" : "DEFAULT")
            .add("tuning_s", seconds())
            .add("mode", _mode.empty() ? json_null() : json(_mode))
            .add("local_sizes", local_sizes())
            .add("from_table", !searched());
        if(_custom)
        {
            object.add("missing", ARMCL_VERSION >= 2011 ? json_null() : json_list(missing()));
        }
        return object.done();
    }

    // Whether some kernel was not in the table, and was therefore searched for.
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
            const std::string &key = entry.first;
            if(_kernels.count(key) + _kernels.count(bare(key)) > 0)
            {
                const std::vector<size_t> xyz{ entry.second[0], entry.second[1], entry.second[2] };
                object.add(key, xyz[0] == 0 ? json_null() : json_list(xyz));
            }
        }
        return object.done();
    }

    // Kernels of this operator that the table does not name.
    std::vector<std::string> missing() const
    {
        std::set<std::string> known;
        for(const auto &entry : sizes())
        {
            known.insert({ entry.first, bare(entry.first) });
        }
        std::vector<std::string> names;
        for(const std::string &kernel : _kernels)
        {
            if(known.count(kernel) == 0)
            {
                names.push_back(kernel);
            }
        }
        return names;
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
        if(!_custom || sizes().count(kernel.config_id()) > 0) // the first of these versions always search
        {
            CLTuner::tune_kernel(kernel);
        }
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
            in_profile(1);
            if(!_tuner.settled)
            {
                _tuner.take_down(kernel);
            }
        }
        ~Watch()
        {
            in_profile(-1);
            const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - _start;
            _tuner._seconds += --_tuner._depth == 0 ? taken.count() : 0.0;
        }

    private:
        static void in_profile(int step)
        {
            if(Profile::of_the_process() != nullptr)
            {
                Profile::of_the_process()->tune(step);
            }
        }

        Tuner                                &_tuner;
        std::chrono::steady_clock::time_point _start;
    };

    void take_down(const arm_compute::ICLKernel &kernel)
    {
#if ARMCL_VERSION < 2011
        if(kernel.config_id() != "no_config_id") // the library never tunes those
        {
            _kernels.insert(kernel.config_id());
        }
#else
        (void)kernel;
#endif
    }

    // Later versions add the GPU's kind and its number of cores to a kernel's name: the name alone.
    static std::string bare(const std::string &key)
    {
        const size_t cores = key.rfind("_MP");
        const size_t end   = cores == std::string::npos || cores == 0 ? std::string::npos : key.rfind('_', cores - 1);
        return key.substr(0, end);
    }

    // Read a table that an earlier process has kept, line by line: kernel;x;y;z.
    void import_table(const std::string &path)
    {
        const char *const name = "NNTEST_TUNER_TABLE_IN";
        if(path.empty())
        {
            throw Failure::bad_value(std::string(name) + " is not set; CUSTOM takes its local sizes from the file that it names");
        }
        std::ifstream file(path);
        Sizes         known;
        std::string   line;
        while(std::getline(file, line))
        {
            const size_t       comma = line.find(';');
            std::istringstream rest(comma == std::string::npos ? "" : line.substr(comma));
            size_t             size[3];
            char               sign = ';';
            for(size_t &side : size)
            {
                sign = rest >> sign >> side ? sign : '?';
            }
            if(sign != ';' || comma == 0 || rest.peek() != std::istringstream::traits_type::eof())
            {
                throw Failure::bad_value(shown(name, path) + " is no table of local sizes: '" + line
                                         + "' is not kernel;x;y;z");
            }
            known.emplace(line.substr(0, comma),
                          size[0] == 0 ? cl::NullRange : cl::NDRange(size[0], size[1], size[2]));
        }
        if(known.empty())
        {
            throw Failure::bad_value(shown(name, path)
                                     + (file.is_open() ? " has no local sizes in it" : " cannot be read"));
        }
        import_lws_table(known);
#if ARMCL_VERSION >= 1803
        set_tune_new_kernels(false);
#endif
        _mode.clear();
        std::ifstream mode(path + ".mode");
        mode >> _mode;
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

    bool                  _custom;
    std::string           _mode; // in which the table was made; empty: not known
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
