// Runs operators on the GPU: Arm Compute Library's OpenCL tensors and scheduler.
#ifndef NNTEST_OPENCL_H
#define NNTEST_OPENCL_H

#include "nntest/opencl_library.h"
#include "nntest/profile.h"
#include "nntest/settings.h"
#include "nntest/tuners.h"

#include "arm_compute/core/CL/CLKernelLibrary.h"
#include "arm_compute/runtime/CL/CLScheduler.h"
#include "arm_compute/runtime/CL/CLTensor.h"

#include <memory>
#include <set>
#include <string>

namespace nntest
{
class OpenCL
{
public:
    using Tensor = arm_compute::CLTensor;

    // `tuners`: every tuner that some layer of this process asks for.
    OpenCL(const Settings &settings, const std::set<std::string> &tuners)
    {
        if(settings.threads > 0)
        {
            throw Failure::not_supported("NNTEST_THREADS is not supported on OpenCL: a GPU has no threads to choose");
        }
        if(!_library.has_a_device())
        {
            throw Failure::not_supported("the OpenCL library lists no device; is the driver's ICD file there?");
        }
        _tuners.reset(new Tuners(settings, tuners));
        arm_compute::CLScheduler::get().default_init(_tuners->of_the_scheduler());
        if(settings.profile)
        {
            _profile.reset(new Profile(_library));
        }
        if(!settings.kernel_folder.empty())
        {
            arm_compute::CLKernelLibrary::get().set_kernel_path(settings.kernel_folder + "/");
        }
        _device.reset(new OpenCLDevice(_library, arm_compute::CLScheduler::get().context()()));
        _tuners->check_device(_device->name());
        if(settings.element == Element::FP16 && !_device->has_extension("cl_khr_fp16"))
        {
            throw Failure::not_supported("NNTEST_DATA_TYPE='fp16' is not supported: the OpenCL device has no "
                                         "half-precision arithmetic (cl_khr_fp16)");
        }
    }

    // Throws a Failure where a tensor, or all of them together, cannot fit the device.
    void check_memory(double largest, double total) const
    {
        const double at_once = static_cast<double>(_device->number<cl_ulong>(CL_DEVICE_MAX_MEM_ALLOC_SIZE));
        const double in_all  = static_cast<double>(_device->number<cl_ulong>(CL_DEVICE_GLOBAL_MEM_SIZE));
        if(largest > at_once)
        {
            throw Failure::out_of_memory("a tensor needs " + megabytes(largest) + " and the device allocates at most "
                                         + megabytes(at_once) + " at once");
        }
        if(total > in_all)
        {
            throw Failure::out_of_memory("the tensors need " + megabytes(total) + " in all and the device has "
                                         + megabytes(in_all));
        }
    }

    void finish() const
    {
        arm_compute::CLScheduler::get().sync();
    }

    // Make a tensor's memory readable and writable here, do something, and give it back.
    template <typename Doing>
    static void mapped(Tensor &tensor, Doing doing)
    {
        tensor.map(true);
        doing();
        tensor.unmap();
    }

    // From here on kernels are tuned, or not, as this one does; one of those of the constructor.
    void use_tuner(const std::string &type)
    {
        _tuners->use(type);
    }
    // The warm-up is over: keep what was found, and take nothing more down.
    void settle()
    {
        _tuners->settle();
    }
    // Seconds that tuners have searched.
    double tuning_s() const
    {
        return _tuners->seconds();
    }
    Json tuner_state(const std::string &type) const
    {
        return _tuners->state(type);
    }

    // Which part of the run begins: warmup or run; before them is setup.
    void enter(const char *phase)
    {
        if(_profile)
        {
            _profile->enter(phase);
        }
    }
    // Adds what was launched since the last call, where that is taken down.
    void add_kernels(JsonObject &record)
    {
        if(_profile)
        {
            record.add("kernels", _profile->take());
        }
    }

    Json describe() const
    {
        return _device->as_json();
    }

    // Run something; what OpenCL then complains about becomes a Failure where it is one.
    template <typename Doing>
    static void guarded(Doing doing)
    {
        try
        {
            doing();
        }
        catch(const cl::Error &error)
        {
            const std::string said = std::string(error.what()) + " (" + std::to_string(error.err()) + ")";
            switch(error.err())
            {
                case CL_BUILD_PROGRAM_FAILURE:
                case CL_INVALID_PROGRAM_EXECUTABLE:
                    throw Failure::build_failed("the OpenCL compiler rejected a kernel: " + said);
                case CL_MEM_OBJECT_ALLOCATION_FAILURE:
                case CL_OUT_OF_RESOURCES:
                case CL_OUT_OF_HOST_MEMORY:
                case CL_INVALID_BUFFER_SIZE:
                    throw Failure::out_of_memory("the device has not enough memory or resources: " + said);
                default:
                    throw;
            }
        }
    }

private:
    static std::string megabytes(double bytes)
    {
        return std::to_string(static_cast<long long>(bytes / 1e6 + 0.5)) + " MB";
    }

    OpenCLLibrary                 _library;
    std::unique_ptr<Tuners>       _tuners;
    std::unique_ptr<OpenCLDevice> _device;
    std::unique_ptr<Profile>      _profile; // null where nothing is taken down
};
} // namespace nntest
#endif
