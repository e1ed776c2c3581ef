// The tuners of local work sizes that a process uses, most often one: what CK_LWS_TUNER_TYPE says.
#ifndef NNTEST_TUNERS_H
#define NNTEST_TUNERS_H

#include "nntest/failure.h"
#include "nntest/json.h"
#include "nntest/settings.h"
#include "nntest/tuner.h"

#if ARMCL_VERSION >= 1805
#include "arm_compute/runtime/CL/tuners/BifrostTuner.h"
#endif

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace nntest
{
// Hands each kernel on to another tuner, or to none, and can look at the kernel afterwards.
class ForwardingTuner : public arm_compute::ICLTuner
{
public:
    arm_compute::ICLTuner *to = nullptr;

#if ARMCL_VERSION >= 1805
    void tune_kernel_static(arm_compute::ICLKernel &kernel) override
    {
        if(to != nullptr)
        {
            to->tune_kernel_static(kernel);
            tuned(kernel);
        }
    }
    void tune_kernel_dynamic(arm_compute::ICLKernel &kernel) override
    {
        if(to != nullptr)
        {
            to->tune_kernel_dynamic(kernel);
        }
    }
#else
    void tune_kernel(arm_compute::ICLKernel &kernel) override
    {
        if(to != nullptr)
        {
            to->tune_kernel(kernel);
        }
    }
#endif
#if ARMCL_VERSION >= 2008
    void tune_kernel_dynamic(arm_compute::ICLKernel &kernel, arm_compute::ITensorPack &tensors) override
    {
        if(to != nullptr)
        {
            to->tune_kernel_dynamic(kernel, tensors);
        }
    }
#endif

protected:
    virtual void tuned(arm_compute::ICLKernel &)
    {
    }
};

#if ARMCL_VERSION >= 1805
// The library's fixed table of good sizes for Bifrost GPUs, watched: which it chose.
class Bifrost : public ForwardingTuner
{
public:
    Bifrost()
    {
        to = &_table;
    }
    Json state() const
    {
        JsonObject object;
        for(const auto &entry : _sizes)
        {
            object.add(entry.first, json_list(entry.second));
        }
        return JsonObject()
            .add("type", "BIFROST")
            .add("tuning_s", 0.0)
            .add("mode", json_null())
            .add("local_sizes", ARMCL_VERSION >= 2011 ? json_null() : object.done())
            .add("from_table", false)
            .done();
    }

protected:
    void tuned(arm_compute::ICLKernel &kernel) override
    {
#if ARMCL_VERSION < 2011 // from then on a kernel's class is the library's own affair
        const cl::NDRange size = kernel.lws_hint();
        if(size.dimensions() > 0 && kernel.config_id() != "no_config_id")
        {
            _sizes[kernel.config_id()] = { size[0], size[1], size[2] };
        }
#else
        (void)kernel;
#endif
    }

private:
    arm_compute::tuners::BifrostTuner          _table;
    std::map<std::string, std::vector<size_t>> _sizes;
};
#endif

class Tuners
{
public:
    // Throws a Failure for a tuner that this version of the library does not have.
    Tuners(const Settings &settings, const std::set<std::string> &types)
        : _types(types)
    {
        if(types.count("DEFAULT") > 0)
        {
            _default.reset(new Tuner(settings, false));
        }
        if(types.count("CUSTOM") > 0)
        {
            _custom.reset(new Tuner(settings, true));
        }
        if(types.count("BIFROST") > 0)
        {
#if ARMCL_VERSION >= 1805
            _bifrost.reset(new Bifrost());
#else
            throw Failure::not_supported("CK_LWS_TUNER_TYPE='BIFROST' is not supported before Arm Compute Library "
                                         "18.05, which brought the Bifrost tuner");
#endif
        }
    }

    // What the library's scheduler is to be given; null where nothing is tuned.
    arm_compute::ICLTuner *of_the_scheduler()
    {
        return _types.size() > 1 ? &_chosen : of(*_types.begin());
    }

    // From here on, kernels go to this one of the constructor's.
    void use(const std::string &type)
    {
        _chosen.to = _types.size() > 1 ? of(type) : nullptr;
    }

    // Throws a Failure where a tuner is for another device than this.
    void check_device(const std::string &name) const
    {
        if(_types.count("BIFROST") == 0)
        {
            return;
        }
        for(const char *gpu : { "Mali-G31", "Mali-G51", "Mali-G52", "Mali-G71", "Mali-G72", "Mali-G76" })
        {
            if(name.find(gpu) != std::string::npos)
            {
                return;
            }
        }
        throw Failure::not_supported("CK_LWS_TUNER_TYPE='BIFROST' is not supported on " + name
                                     + ": its sizes are for Bifrost GPUs (Mali-G31, G51, G52, G71, G72, G76)");
    }

    void settle()
    {
        for(Tuner *tuner : { _default.get(), _custom.get() })
        {
            if(tuner != nullptr)
            {
                tuner->settled = true;
            }
        }
        if(_default)
        {
            _default->save();
        }
    }

    double seconds() const
    {
        return _default ? _default->seconds() : 0.0;
    }

    // `type` is the name that they have together, where there are several.
    Json state(const std::string &type) const
    {
        if(_types.size() == 1)
        {
            return state_of(*_types.begin());
        }
        std::vector<Json> each;
        for(const std::string &one : _types)
        {
            each.push_back(state_of(one));
        }
        return JsonObject()
            .add("type", type)
            .add("tuning_s", seconds())
            .add("mode", json_null())
            .add("local_sizes", json_null())
            .add("from_table", !_default || !_default->searched())
            .add("each", json_list(each))
            .done();
    }

private:
    arm_compute::ICLTuner *of(const std::string &type)
    {
#if ARMCL_VERSION >= 1805
        if(type == "BIFROST")
        {
            return _bifrost.get();
        }
#endif
        return type == "DEFAULT" ? _default.get() : type == "CUSTOM" ? _custom.get() : nullptr;
    }

    Json state_of(const std::string &type) const
    {
#if ARMCL_VERSION >= 1805
        if(type == "BIFROST")
        {
            return _bifrost->state();
        }
#endif
        if(type != "NONE")
        {
            return (type == "DEFAULT" ? _default : _custom)->state();
        }
        return JsonObject()
            .add("type", type)
            .add("tuning_s", 0.0)
            .add("mode", json_null())
            .add("local_sizes", JsonObject().done())
            .add("from_table", false)
            .done();
    }

    std::set<std::string>  _types;
    std::unique_ptr<Tuner> _default, _custom;
#if ARMCL_VERSION >= 1805
    std::unique_ptr<Bifrost> _bifrost;
#endif
    ForwardingTuner _chosen;
};
} // namespace nntest
#endif
