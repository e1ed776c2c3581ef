// conv: convolution by unfolding the input (im2col) and a matrix product (GEMM).
#ifndef NNTEST_FUNCTIONS_CONV_H
#define NNTEST_FUNCTIONS_CONV_H

#include "nntest/backend_names.h"
#include "nntest/convolution.h"

// Up to 18.01 this was the only convolution; from 18.02 on that name is another's, which chooses
// between the ways of convolving.
#if ARMCL_VERSION >= 1802
#define NNTEST_GEMM_CONVOLUTION GEMMConvolutionLayer
#else
#define NNTEST_GEMM_CONVOLUTION ConvolutionLayer
#endif
#include NNTEST_HEADER(NNTEST_GEMM_CONVOLUTION)

namespace nntest
{
struct Conv
{
    static const bool SCALES_OF_CHANNELS = ARMCL_VERSION >= 1911; // of weights in int8

    static ConvolutionPoint point(const Variables &variables)
    {
        return ConvolutionPoint::from(variables);
    }
    template <typename Tensor>
    static Function make(Tensor &in, Tensor &weights, Tensor &bias, Tensor &out, const ConvolutionPoint &point,
                         const Variables &)
    {
        return make_weighted<NNTEST_CLASS(NNTEST_GEMM_CONVOLUTION)>(NNTEST_CLASS_NAME(NNTEST_GEMM_CONVOLUTION), in,
                                                                    weights, bias, out, pads_and_stride(point.window));
    }
};
} // namespace nntest
#endif
