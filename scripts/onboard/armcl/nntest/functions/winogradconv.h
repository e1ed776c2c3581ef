// winogradconv: convolution by Winograd's transforms; from 18.05 on, and on NEON an earlier one.
#ifndef NNTEST_FUNCTIONS_WINOGRADCONV_H
#define NNTEST_FUNCTIONS_WINOGRADCONV_H

#include "nntest/backend_names.h"
#include "nntest/convolution.h"

#if ARMCL_VERSION >= 1805
#include NNTEST_HEADER(WinogradConvolutionLayer)
#elif defined(NNTEST_BACKEND_NEON)
#include "arm_compute/runtime/NEON/functions/NEWinogradLayer.h"
#endif

namespace nntest
{
struct WinogradConv
{
    static const bool SCALES_OF_CHANNELS = false;

    static ConvolutionPoint point(const Variables &variables)
    {
        return ConvolutionPoint::from(variables);
    }
    template <typename Tensor>
    static Function make(Tensor &in, Tensor &weights, Tensor &bias, Tensor &out, const ConvolutionPoint &point,
                         const Variables &variables)
    {
        const bool fast_math = variables.flag("CK_ENABLE_FAST_MATH", true); // 5x5 and halves need it
#if ARMCL_VERSION >= 1805
        return make_weighted<NNTEST_CLASS(WinogradConvolutionLayer)>(
            NNTEST_CLASS_NAME(WinogradConvolutionLayer), in, weights, bias, out, pads_and_stride(point.window),
            arm_compute::ActivationLayerInfo(), fast_math);
#elif defined(NNTEST_BACKEND_NEON)
        (void)fast_math;
        if(point.window.size != 3 || point.window.stride != 1)
        {
            throw Failure::not_supported("NEWinogradLayer has kernels of 3x3 with stride 1 alone");
        }
        return make_weighted<arm_compute::NEWinogradLayer>("NEWinogradLayer", in, weights, bias, out,
                                                           pads_and_stride(point.window));
#else
        (void)in, (void)weights, (void)bias, (void)out, (void)point, (void)fast_math;
        throw Failure::not_supported("winogradconv is not supported on OpenCL before Arm Compute Library 18.05, which "
                                     "brought CLWinogradConvolutionLayer");
#endif
    }
};
} // namespace nntest
#endif
