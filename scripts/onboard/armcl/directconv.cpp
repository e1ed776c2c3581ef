// directconv: convolution that sums over the input where it lies, on the GPU.
#include "nntest/convolution.h"
#include "nntest/opencl.h"
#include "nntest/program.h"

#include "arm_compute/runtime/CL/functions/CLDirectConvolutionLayer.h"

int main()
{
    return nntest::run_program<nntest::Convolution<nntest::OpenCL, arm_compute::CLDirectConvolutionLayer>>(
        "directconv");
}
