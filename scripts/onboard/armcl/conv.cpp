// conv: convolution by unfolding the input (im2col) and a matrix product (GEMM), on the GPU.
#include "nntest/convolution.h"
#include "nntest/opencl.h"
#include "nntest/program.h"

#if ARMCL_VERSION >= 1802
#include "arm_compute/runtime/CL/functions/CLGEMMConvolutionLayer.h"
using Layer = arm_compute::CLGEMMConvolutionLayer;
#else
// From 18.02 on this name stands for the layer that chooses between the ways of convolving.
#include "arm_compute/runtime/CL/functions/CLConvolutionLayer.h"
using Layer = arm_compute::CLConvolutionLayer;
#endif

int main()
{
    return nntest::run_program<nntest::Convolution<nntest::OpenCL, Layer>>("conv");
}
