// directconv: convolution that sums over the input where it lies.
#ifndef NNTEST_FUNCTIONS_DIRECTCONV_H
#define NNTEST_FUNCTIONS_DIRECTCONV_H

#include "nntest/backend_names.h"
#include "nntest/convolution.h"

#include NNTEST_HEADER(DirectConvolutionLayer)

namespace nntest
{
struct DirectConv
{
    static const bool SCALES_OF_CHANNELS = false;

    static ConvolutionPoint point(const Variables &variables)
    {
        return ConvolutionPoint::from(variables);
    }
    template <typename Tensor>
    static Function make(Tensor &in, Tensor &weights, Tensor &bias, Tensor &out, const ConvolutionPoint &point,
                         const Variables &)
    {
        return make_weighted<NNTEST_CLASS(DirectConvolutionLayer)>(NNTEST_CLASS_NAME(DirectConvolutionLayer), in,
                                                                   weights, bias, out, pads_and_stride(point.window));
    }
};
} // namespace nntest
#endif
