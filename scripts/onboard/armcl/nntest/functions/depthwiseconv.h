// depthwiseconv: each channel convolved by itself, 3x3.
#ifndef NNTEST_FUNCTIONS_DEPTHWISECONV_H
#define NNTEST_FUNCTIONS_DEPTHWISECONV_H

#include "nntest/backend_names.h"
#include "nntest/convolution.h"

#include NNTEST_HEADER(DepthwiseConvolutionLayer)

// Which versions have a class for 3x3 kernels beside the one for all; from 19.11 on the one for all
// chooses by itself, and the other is deprecated.
#if ARMCL_VERSION == 1908 && defined(NNTEST_BACKEND_NEON)
#define NNTEST_DEPTHWISE_3X3 DepthwiseConvolutionLayerOptimized
#elif ARMCL_VERSION < 1911
#define NNTEST_DEPTHWISE_3X3 DepthwiseConvolutionLayer3x3
#endif

namespace nntest
{
struct DepthwiseConv
{
    static const bool SCALES_OF_CHANNELS = ARMCL_VERSION >= 1911; // of weights in int8

    static ConvolutionPoint point(const Variables &variables)
    {
        return ConvolutionPoint::depthwise_from(variables);
    }
    // CK_DEPTHWISE_3X3 asks for the class for 3x3 kernels, where there is one.
    template <typename Tensor>
    static Function make(Tensor &in, Tensor &weights, Tensor &bias, Tensor &out, const ConvolutionPoint &point,
                         const Variables &variables)
    {
        const arm_compute::PadStrideInfo how = pads_and_stride(point.window);
        const bool                       for_3x3 = variables.flag("CK_DEPTHWISE_3X3", true);
#ifdef NNTEST_DEPTHWISE_3X3
        if(for_3x3)
        {
            return make<NNTEST_CLASS(NNTEST_DEPTHWISE_3X3)>(NNTEST_CLASS_NAME(NNTEST_DEPTHWISE_3X3), in, weights, bias,
                                                            out, how);
        }
#else
        (void)for_3x3;
#endif
        return make<NNTEST_CLASS(DepthwiseConvolutionLayer)>(NNTEST_CLASS_NAME(DepthwiseConvolutionLayer), in, weights,
                                                             bias, out, how);
    }

private:
    template <typename Type, typename Tensor>
    static Function make(const char *name, Tensor &in, Tensor &weights, Tensor &bias, Tensor &out,
                         const arm_compute::PadStrideInfo &how)
    {
#if ARMCL_VERSION >= 1805
        const unsigned int outputs_of_a_channel = 1;
        return make_weighted<Type>(name, in, weights, bias, out, how, outputs_of_a_channel);
#else
        return make_weighted<Type>(name, in, weights, bias, out, how);
#endif
    }
};
} // namespace nntest
#endif
