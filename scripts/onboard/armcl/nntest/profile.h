// Takes down every kernel that Arm Compute Library launches: when, how large, in which part of the
// run.  The library is given a queue that keeps times, and its entry for launching a kernel is
// replaced by one that keeps the launch's event; both work from 17.12 to 20.11.
//
// The library's own entry, and what its tuner puts in its place while it searches, go on working:
// a tuner that wants the event gets it.
#ifndef NNTEST_PROFILE_H
#define NNTEST_PROFILE_H

#include "nntest/failure.h"
#include "nntest/json.h"
#include "nntest/opencl_library.h"

#include "arm_compute/core/CL/OpenCL.h"
#include "arm_compute/runtime/CL/CLScheduler.h"

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace nntest
{
class Profile
{
public:
    // The one of this process; null where nothing is taken down.
    static Profile *&of_the_process()
    {
        static Profile *profile = nullptr;
        return profile;
    }

    // After the scheduler is initialised, before anything is launched.
    explicit Profile(const OpenCLLibrary &library)
        : _kernel_info(library.find<decltype(clGetKernelInfo)>("clGetKernelInfo")),
          _event_info(library.find<decltype(clGetEventProfilingInfo)>("clGetEventProfilingInfo")),
          _wait(library.find<decltype(clWaitForEvents)>("clWaitForEvents")),
          _retain(library.find<decltype(clRetainEvent)>("clRetainEvent")),
          _release(library.find<decltype(clReleaseEvent)>("clReleaseEvent"))
    {
        use_queue_that_keeps_times(library);
        auto      &launch  = arm_compute::CLSymbols::get().clEnqueueNDRangeKernel_ptr;
        const auto through = launch;
        launch = [this, through](cl_command_queue queue, cl_kernel kernel, cl_uint dimensions, const size_t *offset,
                                 const size_t *global, const size_t *local, cl_uint waits, const cl_event *wait_for,
                                 cl_event *event) -> cl_int {
            cl_event     ours   = nullptr;
            cl_event    *target = event != nullptr ? event : &ours;
            const cl_int status = through(queue, kernel, dimensions, offset, global, local, waits, wait_for, target);
            if(status == CL_SUCCESS)
            {
                if(event != nullptr)
                {
                    _retain(*event);
                }
                take_down(kernel, dimensions, global, local, *target);
            }
            return status;
        };
        of_the_process() = this;
    }
    Profile(const Profile &)            = delete;
    Profile &operator=(const Profile &) = delete;

    // Which part of the run begins: setup, warmup or run.
    void enter(const char *phase)
    {
        _phase = phase;
    }
    // The tuner has begun (1) or ended (-1) looking at a kernel; one look may be in another.
    void tune(int step)
    {
        _in_tuner += step;
    }

    // The launches since the last call, in order; waits until they have ended.
    Json take()
    {
        settle();
        std::vector<Json> taken;
        taken.swap(_records);
        return json_list(taken);
    }

private:
    struct Launch
    {
        std::string         name;
        const char         *phase;
        std::vector<size_t> global, local; // local is empty where the driver chooses
        cl_event            event;
    };

    void use_queue_that_keeps_times(const OpenCLLibrary &library)
    {
        const cl_context context = arm_compute::CLScheduler::get().context()();
        cl_device_id     device  = nullptr;
        cl_int           status  = library.find<decltype(clGetContextInfo)>("clGetContextInfo")(
            context, CL_CONTEXT_DEVICES, sizeof device, &device, nullptr);
        using Create = cl_command_queue(cl_context, cl_device_id, cl_command_queue_properties, cl_int *);
        const cl_command_queue queue =
            library.find<Create>("clCreateCommandQueue")(context, device, CL_QUEUE_PROFILING_ENABLE, &status);
        if(status != CL_SUCCESS)
        {
            throw Failure::not_supported("NNTEST_PROFILE='kernels' is not supported: the device has no queue that "
                                         "keeps times ("
                                         + std::to_string(status) + ")");
        }
        arm_compute::CLScheduler::get().set_queue(cl::CommandQueue(queue));
    }

    void take_down(cl_kernel kernel, cl_uint dimensions, const size_t *global, const size_t *local, cl_event event)
    {
        char name[256] = "";
        _kernel_info(kernel, CL_KERNEL_FUNCTION_NAME, sizeof name - 1, name, nullptr);
        _launches.push_back(Launch{ name, _in_tuner > 0 ? "tuning" : _phase, sizes(dimensions, global),
                                    local == nullptr ? std::vector<size_t>() : sizes(dimensions, local), event });
        // A search launches thousands; a device keeps only so many events.
        if(_launches.size() > 500 && std::string(_launches.back().phase) != "run")
        {
            settle();
        }
    }

    static std::vector<size_t> sizes(cl_uint dimensions, const size_t *values)
    {
        std::vector<size_t> three(3, 1);
        std::copy(values, values + dimensions, three.begin());
        return three;
    }

    void settle()
    {
        for(const Launch &launch : _launches)
        {
            _wait(1, &launch.event);
            _records.push_back(JsonObject()
                                   .add("name", launch.name)
                                   .add("phase", launch.phase)
                                   .add("global_size", json_list(launch.global))
                                   .add("local_size", launch.local.empty() ? json_null() : json_list(launch.local))
                                   .add("queued_ns", time(launch, CL_PROFILING_COMMAND_QUEUED))
                                   .add("submitted_ns", time(launch, CL_PROFILING_COMMAND_SUBMIT))
                                   .add("start_ns", time(launch, CL_PROFILING_COMMAND_START))
                                   .add("end_ns", time(launch, CL_PROFILING_COMMAND_END))
                                   .done());
            _release(launch.event);
        }
        _launches.clear();
    }

    cl_ulong time(const Launch &launch, cl_profiling_info what) const
    {
        cl_ulong     nanoseconds = 0;
        const cl_int status      = _event_info(launch.event, what, sizeof nanoseconds, &nanoseconds, nullptr);
        if(status != CL_SUCCESS)
        {
            throw Failure::not_supported("NNTEST_PROFILE='kernels' is not supported: the device keeps no times ("
                                         + std::to_string(status) + ")");
        }
        return nanoseconds;
    }

    decltype(clGetKernelInfo)         *_kernel_info;
    decltype(clGetEventProfilingInfo) *_event_info;
    decltype(clWaitForEvents)         *_wait;
    decltype(clRetainEvent)           *_retain;
    decltype(clReleaseEvent)          *_release;
    const char                        *_phase    = "setup";
    int                                _in_tuner = 0;
    std::vector<Launch>                _launches;
    std::vector<Json>                  _records;
};
} // namespace nntest
#endif
