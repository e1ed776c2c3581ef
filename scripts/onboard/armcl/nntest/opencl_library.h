// The OpenCL library that Arm Compute Library has loaded, and what its device says of itself.
//
// Arm Compute Library passes on only the functions that it needs; the others are looked up here,
// in the library that it finds first.
#ifndef NNTEST_OPENCL_LIBRARY_H
#define NNTEST_OPENCL_LIBRARY_H

#include "nntest/failure.h"
#include "nntest/json.h"

#include "arm_compute/core/CL/OpenCL.h"

#include <dlfcn.h>
#include <string>
#include <vector>

namespace nntest
{
class OpenCLLibrary
{
public:
    OpenCLLibrary()
        : _handle(nullptr)
    {
        for(const char *name : { "libOpenCL.so", "libGLES_mali.so", "libmali.so" })
        {
            _handle = _handle != nullptr ? _handle : dlopen(name, RTLD_LAZY | RTLD_LOCAL);
        }
        if(_handle == nullptr)
        {
            throw Failure::not_supported("there is no OpenCL library on this machine (libOpenCL.so, or libmali.so)");
        }
    }

    template <typename Function>
    Function *find(const char *name) const
    {
        void *symbol = dlsym(_handle, name);
        if(symbol == nullptr)
        {
            throw Failure::not_supported(std::string("the OpenCL library has no ") + name);
        }
        return reinterpret_cast<Function *>(symbol);
    }

    bool has_a_device() const
    {
        cl_uint    platforms = 0, devices = 0;
        const auto get_platforms = find<decltype(clGetPlatformIDs)>("clGetPlatformIDs");
        const auto get_devices   = find<decltype(clGetDeviceIDs)>("clGetDeviceIDs");
        if(get_platforms(0, nullptr, &platforms) != CL_SUCCESS || platforms == 0)
        {
            return false;
        }
        std::vector<cl_platform_id> found(platforms);
        get_platforms(platforms, found.data(), nullptr);
        return get_devices(found[0], CL_DEVICE_TYPE_ALL, 0, nullptr, &devices) == CL_SUCCESS && devices > 0;
    }

private:
    void *_handle; // stays open: Arm Compute Library uses it to the end
};

class OpenCLDevice
{
public:
    OpenCLDevice(const OpenCLLibrary &library, cl_context context)
        : _device_info(library.find<decltype(clGetDeviceInfo)>("clGetDeviceInfo")),
          _platform_info(library.find<decltype(clGetPlatformInfo)>("clGetPlatformInfo")), _device(nullptr)
    {
        library.find<decltype(clGetContextInfo)>("clGetContextInfo")(context, CL_CONTEXT_DEVICES, sizeof _device,
                                                                    &_device, nullptr);
    }

    template <typename Number>
    Number number(cl_device_info what) const
    {
        Number value = 0;
        _device_info(_device, what, sizeof value, &value, nullptr);
        return value;
    }

    std::string name() const
    {
        return text(CL_DEVICE_NAME);
    }
    bool has_extension(const std::string &extension) const
    {
        return (" " + text(CL_DEVICE_EXTENSIONS) + " ").find(" " + extension + " ") != std::string::npos;
    }

    Json as_json() const
    {
        size_t sizes[3] = { 0, 0, 0 };
        _device_info(_device, CL_DEVICE_MAX_WORK_ITEM_SIZES, sizeof sizes, sizes, nullptr);
        return JsonObject()
            .add("name", name())
            .add("vendor", text(CL_DEVICE_VENDOR))
            .add("platform", platform(CL_PLATFORM_NAME))
            .add("platform_version", platform(CL_PLATFORM_VERSION))
            .add("driver_version", text(CL_DRIVER_VERSION))
            .add("opencl_version", text(CL_DEVICE_VERSION))
            .add("opencl_c_version", text(CL_DEVICE_OPENCL_C_VERSION))
            .add("compute_units", number<cl_uint>(CL_DEVICE_MAX_COMPUTE_UNITS))
            .add("max_clock_mhz", number<cl_uint>(CL_DEVICE_MAX_CLOCK_FREQUENCY))
            .add("max_work_group_size", number<size_t>(CL_DEVICE_MAX_WORK_GROUP_SIZE))
            .add("max_work_item_sizes", json_list(std::vector<size_t>(sizes, sizes + 3)))
            .add("global_memory_bytes", number<cl_ulong>(CL_DEVICE_GLOBAL_MEM_SIZE))
            .add("local_memory_bytes", number<cl_ulong>(CL_DEVICE_LOCAL_MEM_SIZE))
            .add("fp16", has_extension("cl_khr_fp16"))
            .done();
    }

private:
    std::string text(cl_device_info what) const
    {
        size_t bytes = 0;
        _device_info(_device, what, 0, nullptr, &bytes);
        std::vector<char> value(bytes + 1, '\0');
        _device_info(_device, what, bytes, value.data(), nullptr);
        return value.data();
    }

    std::string platform(cl_platform_info what) const
    {
        const cl_platform_id platform = number<cl_platform_id>(CL_DEVICE_PLATFORM);
        size_t               bytes    = 0;
        _platform_info(platform, what, 0, nullptr, &bytes);
        std::vector<char> value(bytes + 1, '\0');
        _platform_info(platform, what, bytes, value.data(), nullptr);
        return value.data();
    }

    decltype(clGetDeviceInfo)   *_device_info;
    decltype(clGetPlatformInfo) *_platform_info;
    cl_device_id                 _device;
};
} // namespace nntest
#endif
