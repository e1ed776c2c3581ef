/* An OpenCL library that stands before the real one and lets Arm Compute Library run on PoCL.
 *
 * Arm Compute Library opens "libOpenCL.so" by that name and looks each function up in it.  This
 * library is found first (LD_LIBRARY_PATH) and hands over to the real libOpenCL.so.1.  What is done
 * here besides mends the gaps between what the library takes for granted on a Mali and what PoCL
 * does:
 *
 * - the device says that it is a Mali-T860 (or what VIRTUAL_MALI_NAME says) and, in the same
 *   breath, that it is emulated, has OpenCL 1.2 and non-uniform work-groups; these are then taken
 *   out of what reaches PoCL;
 * - a work-group has at most 256 work-items, or VIRTUAL_MALI_MAX_GROUP if that is less.  PoCL
 *   compiles a kernel anew for each local size, so a small limit keeps a tuner's search short;
 * - kernels of 18.11 and later divide zero by a literal zero where only a number was wanted.  A
 *   GPU shrugs; LLVM takes it for impossible and compiles the kernel to nothing;
 * - contexts may be asked to print what kernels print (cl_arm_printf), which only a Mali can;
 * - a line is printed on stdout when it is loaded, as vendors' drivers do;
 * - every Mali computes in half precision, so some sources name its types even where they are not
 *   used, and do not compile on a device without.  There they become float: such kernels compile,
 *   and none of them is run, because the device does not say that it could.
 *
 * For tests: nothing timed through it says anything about a Mali.
 */
#define _GNU_SOURCE
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEVICE_NAME "Mali-T860 (emulated, PoCL)"
#define DEVICE_VERSION "OpenCL 1.2 emulated Mali on PoCL"
#define NON_UNIFORM_EXTENSION " cl_arm_non_uniform_work_group_size"
#define NON_UNIFORM_OPTION "-cl-arm-non-uniform-work-group-size"
#define LARGEST_GROUP 256
#define PRINTF_CALLBACK_ARM 0x40B0
#define PRINTF_BUFFER_SIZE_ARM 0x40B1
#define MOST_PROPERTIES 20

/* The function of the library behind this one, in a variable `next` of its type. */
#define NEXT(function)                                       \
    static __typeof__(&function) next;                       \
    if(next == NULL)                                         \
    {                                                        \
        next = (__typeof__(&function))in_real_one(#function); \
    }

static void *in_real_one(const char *function)
{
    void *library = dlopen("libOpenCL.so.1", RTLD_LAZY | RTLD_LOCAL);
    void *found   = library != NULL ? dlsym(library, function) : NULL;
    if(found == NULL)
    {
        fprintf(stderr, "virtual Mali: no %s behind it: %s\n", function, dlerror());
        abort();
    }
    return found;
}

/* The functions of OpenCL 1.2 that are not defined here, so that programs can be linked with this
 * library, as with a vendor's: each jumps to its namesake in the real one.
 */
#define FORWARDED(DO) \
    DO(clCompileProgram) DO(clCreateBuffer) DO(clCreateCommandQueue) DO(clCreateContext) \
    DO(clCreateImage) DO(clCreateImage2D) DO(clCreateImage3D) \
    DO(clCreateKernel) DO(clCreateKernelsInProgram) DO(clCreateProgramWithBinary) \
    DO(clCreateProgramWithBuiltInKernels) DO(clCreateSampler) DO(clCreateSubBuffer) \
    DO(clCreateSubDevices) DO(clCreateUserEvent) DO(clEnqueueBarrier) \
    DO(clEnqueueBarrierWithWaitList) DO(clEnqueueCopyBuffer) DO(clEnqueueCopyBufferRect) \
    DO(clEnqueueCopyBufferToImage) DO(clEnqueueCopyImage) DO(clEnqueueCopyImageToBuffer) \
    DO(clEnqueueFillBuffer) DO(clEnqueueFillImage) DO(clEnqueueMapBuffer) DO(clEnqueueMapImage) \
    DO(clEnqueueMarker) DO(clEnqueueMarkerWithWaitList) DO(clEnqueueMigrateMemObjects) \
    DO(clEnqueueNativeKernel) DO(clEnqueueReadBuffer) DO(clEnqueueReadBufferRect) \
    DO(clEnqueueReadImage) DO(clEnqueueTask) DO(clEnqueueUnmapMemObject) DO(clEnqueueWaitForEvents) \
    DO(clEnqueueWriteBuffer) DO(clEnqueueWriteBufferRect) DO(clEnqueueWriteImage) DO(clFinish) \
    DO(clFlush) DO(clGetCommandQueueInfo) DO(clGetContextInfo) DO(clGetDeviceIDs) DO(clGetEventInfo) \
    DO(clGetEventProfilingInfo) DO(clGetExtensionFunctionAddress) \
    DO(clGetExtensionFunctionAddressForPlatform) DO(clGetImageInfo) DO(clGetKernelArgInfo) \
    DO(clGetKernelInfo) DO(clGetMemObjectInfo) DO(clGetPlatformIDs) DO(clGetPlatformInfo) \
    DO(clGetProgramBuildInfo) DO(clGetProgramInfo) DO(clGetSamplerInfo) \
    DO(clGetSupportedImageFormats) DO(clLinkProgram) DO(clReleaseCommandQueue) DO(clReleaseContext) \
    DO(clReleaseDevice) DO(clReleaseEvent) DO(clReleaseKernel) DO(clReleaseMemObject) \
    DO(clReleaseProgram) DO(clReleaseSampler) DO(clRetainCommandQueue) DO(clRetainContext) \
    DO(clRetainDevice) DO(clRetainEvent) DO(clRetainKernel) DO(clRetainMemObject) \
    DO(clRetainProgram) DO(clRetainSampler) DO(clSetCommandQueueProperty) DO(clSetEventCallback) \
    DO(clSetKernelArg) DO(clSetMemObjectDestructorCallback) DO(clSetUserEventStatus) \
    DO(clUnloadCompiler) DO(clUnloadPlatformCompiler) DO(clWaitForEvents)

#define FORWARD(function)                                                            \
    __attribute__((visibility("hidden"))) void *real_##function;                     \
    __asm__(".text\n.globl " #function "\n.type " #function ", %function\n" #function \
            ":\n adrp x16, real_" #function "\n ldr x16, [x16, :lo12:real_" #function \
            "]\n br x16\n");
FORWARDED(FORWARD)

#define FIND(function) real_##function = in_real_one(#function);

__attribute__((constructor)) static void load(void)
{
    FORWARDED(FIND)
    /* Without a line's end: who reads a program's stdout must not count on one. */
    fputs("virtual Mali: driver 1.0, not a board's", stdout);
    fflush(stdout);
}

static size_t group_limit(void)
{
    const char *text  = getenv("VIRTUAL_MALI_MAX_GROUP");
    long        limit = text != NULL ? strtol(text, NULL, 10) : LARGEST_GROUP;
    return limit >= 1 && limit <= LARGEST_GROUP ? (size_t)limit : LARGEST_GROUP;
}

/* Answer a query with `bytes` of `value`, as OpenCL's query functions do. */
static cl_int answer(const void *value, size_t bytes, size_t room, void *target, size_t *needed)
{
    if(target != NULL && room < bytes)
    {
        return CL_INVALID_VALUE;
    }
    if(target != NULL)
    {
        memcpy(target, value, bytes);
    }
    if(needed != NULL)
    {
        *needed = bytes;
    }
    return CL_SUCCESS;
}

/* The library takes a Bifrost GPU for one only if nothing follows its name. */
static cl_int answer_name(size_t room, void *target, size_t *needed)
{
    const char *set  = getenv("VIRTUAL_MALI_NAME");
    const char *name = set != NULL && set[0] != '\0' ? set : DEVICE_NAME;
    return answer(name, strlen(name) + 1, room, target, needed);
}

static cl_int answer_extensions(cl_device_id device, size_t room, void *target, size_t *needed)
{
    NEXT(clGetDeviceInfo);
    size_t bytes = 0;
    cl_int error = next(device, CL_DEVICE_EXTENSIONS, 0, NULL, &bytes);
    if(error != CL_SUCCESS)
    {
        return error;
    }
    char *all = malloc(bytes + sizeof NON_UNIFORM_EXTENSION);
    if(all == NULL)
    {
        return CL_OUT_OF_HOST_MEMORY;
    }
    error = next(device, CL_DEVICE_EXTENSIONS, bytes, all, NULL);
    if(error == CL_SUCCESS)
    {
        strcat(all, NON_UNIFORM_EXTENSION);
        error = answer(all, strlen(all) + 1, room, target, needed);
    }
    free(all);
    return error;
}

cl_int clGetDeviceInfo(cl_device_id device, cl_device_info what, size_t room, void *target, size_t *needed)
{
    NEXT(clGetDeviceInfo);
    const size_t limit = group_limit();
    switch(what)
    {
        case CL_DEVICE_NAME:
            return answer_name(room, target, needed);
        case CL_DEVICE_VERSION:
            return answer(DEVICE_VERSION, sizeof DEVICE_VERSION, room, target, needed);
        case CL_DEVICE_EXTENSIONS:
            return answer_extensions(device, room, target, needed);
        case CL_DEVICE_MAX_WORK_GROUP_SIZE:
            return answer(&limit, sizeof limit, room, target, needed);
        default:
            return next(device, what, room, target, needed);
    }
}

cl_int clGetKernelWorkGroupInfo(cl_kernel kernel, cl_device_id device, cl_kernel_work_group_info what,
                                size_t room, void *target, size_t *needed)
{
    NEXT(clGetKernelWorkGroupInfo);
    const cl_int error = next(kernel, device, what, room, target, needed);
    if(error == CL_SUCCESS && what == CL_KERNEL_WORK_GROUP_SIZE && target != NULL)
    {
        size_t *group = target;
        *group        = *group < group_limit() ? *group : group_limit();
    }
    return error;
}

cl_context clCreateContextFromType(const cl_context_properties *properties, cl_device_type type,
                                   void(CL_CALLBACK *report)(const char *, const void *, size_t, void *),
                                   void *data, cl_int *error)
{
    NEXT(clCreateContextFromType);
    cl_context_properties kept[MOST_PROPERTIES] = { 0 };
    size_t                count                 = 0;
    for(; properties != NULL && properties[0] != 0 && count + 2 < MOST_PROPERTIES; properties += 2)
    {
        if(properties[0] != PRINTF_CALLBACK_ARM && properties[0] != PRINTF_BUFFER_SIZE_ARM)
        {
            kept[count++] = properties[0];
            kept[count++] = properties[1];
        }
    }
    return next(kept, type, report, data, error);
}

static const char no_halves[] =
    "#ifndef cl_khr_fp16\n"
    "#define half float\n#define half2 float2\n#define half3 float3\n#define half4 float4\n"
    "#define half8 float8\n#define half16 float16\n"
    "#define convert_half convert_float\n#define convert_half2 convert_float2\n"
    "#define convert_half4 convert_float4\n#define convert_half8 convert_float8\n"
    "#define convert_half16 convert_float16\n"
    "#endif\n";

cl_program clCreateProgramWithSource(cl_context context, cl_uint count, const char **texts,
                                     const size_t *lengths, cl_int *error)
{
    NEXT(clCreateProgramWithSource);
    static const char zero_step[] = "_NO_STEP(dst, 0)";
    const size_t      digit       = sizeof zero_step - 3;
    char            **mended      = calloc(count + 1, sizeof *mended);
    cl_program        program     = NULL;
    cl_int            out_of_memory = mended == NULL || (mended[0] = strdup(no_halves)) == NULL;
    for(cl_uint i = 1; i <= count && !out_of_memory; i++)
    {
        const int whole = lengths == NULL || lengths[i - 1] == 0;
        mended[i]       = whole ? strdup(texts[i - 1]) : strndup(texts[i - 1], lengths[i - 1]);
        out_of_memory   = mended[i] == NULL;
        for(char *at = mended[i]; at != NULL && (at = strstr(at, zero_step)) != NULL;)
        {
            at[digit] = '1'; /* the number is multiplied by a step of 0 afterwards */
        }
        for(char *at = mended[i]; at != NULL && (at = strstr(at, "0.0h")) != NULL;)
        {
            at[3] = 'f'; /* a half that is a constant */
        }
    }
    if(!out_of_memory)
    {
        program = next(context, count + 1, (const char **)mended, NULL, error);
    }
    else if(error != NULL)
    {
        *error = CL_OUT_OF_HOST_MEMORY;
    }
    for(cl_uint i = 0; mended != NULL && i <= count; i++)
    {
        free(mended[i]);
    }
    free(mended);
    return program;
}

cl_int clBuildProgram(cl_program program, cl_uint count, const cl_device_id *devices, const char *options,
                      void(CL_CALLBACK *done)(cl_program, void *), void *data)
{
    NEXT(clBuildProgram);
    char *kept = strdup(options != NULL ? options : "");
    if(kept == NULL)
    {
        return CL_OUT_OF_HOST_MEMORY;
    }
    for(char *at = kept; (at = strstr(at, NON_UNIFORM_OPTION)) != NULL;)
    {
        memset(at, ' ', strlen(NON_UNIFORM_OPTION));
    }
    const cl_int error = next(program, count, devices, kept, done, data);
    free(kept);
    return error;
}

/* PoCL refuses a local size that does not divide the global one; it then chooses its own. */
static int divides(cl_uint dimensions, const size_t *global, const size_t *local)
{
    size_t items = 1;
    for(cl_uint i = 0; i < dimensions; i++)
    {
        if(local[i] == 0 || global[i] % local[i] != 0)
        {
            return 0;
        }
        items *= local[i];
    }
    return items <= group_limit();
}

cl_int clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions,
                              const size_t *offset, const size_t *global, const size_t *local,
                              cl_uint waits, const cl_event *wait_list, cl_event *event)
{
    NEXT(clEnqueueNDRangeKernel);
    if(local != NULL && global != NULL && !divides(dimensions, global, local))
    {
        local = NULL;
    }
    return next(queue, kernel, dimensions, offset, global, local, waits, wait_list, event);
}
