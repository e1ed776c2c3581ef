// One convolution to measure, and the right answer to it.
#ifndef NNTEST_CONVOLUTION_POINT_H
#define NNTEST_CONVOLUTION_POINT_H

#include "nntest/environment.h"
#include "nntest/random.h"
#include "nntest/shape.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace nntest
{
struct Pads
{
    int top, bottom, left, right;

    // NNTEST_CONV_PADS ("top,bottom,left,right"), else CK_CONV_PAD on every side.
    static Pads from_environment()
    {
        const char *const name = "NNTEST_CONV_PADS";
        const std::string text = read_text(name);
        if(text.empty())
        {
            const int pad = read_integer("CK_CONV_PAD", 0, 0);
            return Pads{ pad, pad, pad, pad };
        }
        std::vector<int> sides;
        for(size_t from = 0; from <= text.size();)
        {
            const size_t comma = std::min(text.find(',', from), text.size());
            sides.push_back(to_integer(name, text.substr(from, comma - from), 0));
            from = comma + 1;
        }
        if(sides.size() != 4)
        {
            throw Failure::bad_value(shown(name, text) + " is not four integers, top,bottom,left,right");
        }
        return Pads{ sides[0], sides[1], sides[2], sides[3] };
    }
};

// NCHW, a square kernel, one stride for both directions, no dilation.
struct ConvolutionPoint
{
    Shape in;
    Shape weights; // output channels, input channels, kernel, kernel
    Shape out;
    int   stride;
    Pads  pads;

    static ConvolutionPoint from_environment()
    {
        ConvolutionPoint point;
        point.in.n      = read_integer("CK_IN_SHAPE_N", 1, 1);
        point.in.c      = read_integer("CK_IN_SHAPE_C", 1);
        point.in.h      = read_integer("CK_IN_SHAPE_H", 1);
        point.in.w      = read_integer("CK_IN_SHAPE_W", 1);
        const int out_c = read_integer("CK_OUT_SHAPE_C", 1);
        const int size  = read_integer("CK_CONV_KERNEL", 1);
        point.stride    = read_integer("CK_CONV_STRIDE", 1, 1);
        point.pads      = Pads::from_environment();
        const long high = static_cast<long>(point.in.h) + point.pads.top + point.pads.bottom;
        const long wide = static_cast<long>(point.in.w) + point.pads.left + point.pads.right;
        if(size > std::min(high, wide))
        {
            throw Failure::bad_value("CK_CONV_KERNEL=" + std::to_string(size) + " is larger than the padded input of "
                                     + std::to_string(high) + "x" + std::to_string(wide));
        }
        point.weights = Shape{ out_c, point.in.c, size, size };
        point.out     = Shape{ point.in.n, out_c, static_cast<int>((high - size) / point.stride) + 1,
                           static_cast<int>((wide - size) / point.stride) + 1 };
        return point;
    }
};

struct ConvolutionOperands
{
    std::vector<float> input, weights, bias;

    // Uniform; the weights are scaled down by the square root of how many products an output
    // sums, so that outputs are of the order of 1 and one absolute threshold suits every point.
    static ConvolutionOperands draw(const ConvolutionPoint &point, int seed)
    {
        Random              random(seed);
        const double        summed = static_cast<double>(point.weights.c) * point.weights.h * point.weights.w;
        ConvolutionOperands operands;
        operands.input   = random.uniform(point.in.elements());
        operands.weights = random.uniform(point.weights.elements(), 1 / std::sqrt(summed));
        operands.bias    = random.uniform(static_cast<size_t>(point.weights.n));
        return operands;
    }
};

// The convolution (as networks use the word: no flipped kernel) plus bias, summed in double
// precision, one tap of the kernel after the other over whole rows of the output.
inline std::vector<double> convolve(const ConvolutionPoint &point, const ConvolutionOperands &operands)
{
    const Shape        &in = point.in, &kernel = point.weights, &out = point.out;
    std::vector<double> result(out.elements());
    for(int image = 0; image < out.n; ++image)
    {
        for(int to = 0; to < out.c; ++to)
        {
            double *plane = result.data() + (static_cast<size_t>(image) * out.c + to) * out.h * out.w;
            std::fill(plane, plane + static_cast<size_t>(out.h) * out.w, operands.bias[to]);
            for(int tap = 0; tap < in.c * kernel.h * kernel.w; ++tap)
            {
                const int    from   = tap / (kernel.h * kernel.w);
                const int    down   = tap / kernel.w % kernel.h - point.pads.top;
                const int    along  = tap % kernel.w - point.pads.left;
                const double weight = operands.weights[(static_cast<size_t>(to) * in.c) * kernel.h * kernel.w + tap];
                const float *source = operands.input.data() + (static_cast<size_t>(image) * in.c + from) * in.h * in.w;
                for(int y = 0; y < out.h; ++y)
                {
                    const int row = y * point.stride + down;
                    if(row < 0 || row >= in.h)
                    {
                        continue; // padding
                    }
                    // The outputs of this row whose input column is not padding.
                    const int first = along < 0 ? (-along + point.stride - 1) / point.stride : 0;
                    const int last  = in.w - 1 - along < 0 ? -1 : std::min(out.w - 1, (in.w - 1 - along) / point.stride);
                    for(int x = first; x <= last; ++x)
                    {
                        plane[static_cast<size_t>(y) * out.w + x] +=
                            weight * source[static_cast<size_t>(row) * in.w + x * point.stride + along];
                    }
                }
            }
        }
    }
    return result;
}
} // namespace nntest
#endif
