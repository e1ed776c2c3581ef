// One convolution to measure, and the right answer to it.
#ifndef NNTEST_CONVOLUTION_POINT_H
#define NNTEST_CONVOLUTION_POINT_H

#include "nntest/environment.h"
#include "nntest/operands.h"
#include "nntest/shape.h"

#include <algorithm>
#include <string>
#include <vector>

namespace nntest
{
struct Pads
{
    int top, bottom, left, right;

    // NNTEST_CONV_PADS ("top,bottom,left,right"), else the one variable's value on every side.
    static Pads from(const Variables &variables, const char *on_every_side)
    {
        const char *const name = "NNTEST_CONV_PADS";
        const std::string text = variables.text(name);
        if(text.empty())
        {
            const int pad = variables.integer(on_every_side, 0, 0);
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

inline Shape read_in_shape(const Variables &variables)
{
    Shape shape;
    shape.n = variables.integer("CK_IN_SHAPE_N", 1, 1);
    shape.c = variables.integer("CK_IN_SHAPE_C", 1);
    shape.h = variables.integer("CK_IN_SHAPE_H", 1);
    shape.w = variables.integer("CK_IN_SHAPE_W", 1);
    return shape;
}

// A square window that moves over an image: one stride for both directions, no dilation.
struct Sliding
{
    int  size, stride;
    Pads pads;

    // What comes out with so many channels; `name` of the window's size, for the message where it
    // is larger than the image.
    Shape over(const Shape &in, int channels, const char *name) const
    {
        const long high = static_cast<long>(in.h) + pads.top + pads.bottom;
        const long wide = static_cast<long>(in.w) + pads.left + pads.right;
        if(size > std::min(high, wide))
        {
            throw Failure::bad_value(std::string(name) + "=" + std::to_string(size)
                                     + " is larger than the padded input of " + std::to_string(high) + "x"
                                     + std::to_string(wide));
        }
        return Shape{ in.n, channels, static_cast<int>((high - size) / stride) + 1,
                      static_cast<int>((wide - size) / stride) + 1 };
    }
};

struct ConvolutionPoint
{
    Shape   in;
    Shape   weights; // output channels, input channels, kernel, kernel; depthwise: 1 input channel
    Shape   out;
    Sliding window;
    bool    depthwise; // a channel of the output sees its own channel of the input alone

    static ConvolutionPoint from(const Variables &variables)
    {
        ConvolutionPoint point;
        point.in            = read_in_shape(variables);
        const int out_c     = variables.integer("CK_OUT_SHAPE_C", 1);
        point.window.size   = variables.integer("CK_CONV_KERNEL", 1);
        point.window.stride = variables.integer("CK_CONV_STRIDE", 1, 1);
        point.window.pads   = Pads::from(variables, "CK_CONV_PAD");
        point.weights       = Shape{ out_c, point.in.c, point.window.size, point.window.size };
        point.out           = point.window.over(point.in, out_c, "CK_CONV_KERNEL");
        point.depthwise     = false;
        return point;
    }
    // The kernel is 3x3, the only one that CK-NNTest's data sets have.
    static ConvolutionPoint depthwise_from(const Variables &variables)
    {
        ConvolutionPoint point;
        point.in            = read_in_shape(variables);
        point.window.size   = 3;
        point.window.stride = variables.integer("CK_DEPTHWISE_STRIDE", 1, 1);
        point.window.pads   = Pads::from(variables, "CK_DEPTHWISE_PAD");
        point.weights       = Shape{ point.in.c, 1, 3, 3 };
        point.out           = point.window.over(point.in, point.in.c, "the kernel of 3x3, with size");
        point.depthwise     = true;
        return point;
    }
    Operands draw(Random &random) const
    {
        const size_t outputs = static_cast<size_t>(weights.n);
        return Operands::draw(outputs, weights.elements() / outputs, random);
    }
};

// The convolution (as networks use the word: no flipped kernel) plus bias, summed in double
// precision, one tap of the kernel after the other over whole rows of the output.
inline std::vector<double> convolve(const ConvolutionPoint &point, const std::vector<double> &input,
                                    const Operands &operands)
{
    const Shape        &in = point.in, &kernel = point.weights, &out = point.out;
    const int           stride = point.window.stride;
    std::vector<double> result(out.elements());
    for(int image = 0; image < out.n; ++image)
    {
        for(int to = 0; to < out.c; ++to)
        {
            double *plane = result.data() + (static_cast<size_t>(image) * out.c + to) * out.h * out.w;
            std::fill(plane, plane + static_cast<size_t>(out.h) * out.w, operands.bias[to]);
            for(int tap = 0; tap < kernel.c * kernel.h * kernel.w; ++tap)
            {
                const int     from   = point.depthwise ? to : tap / (kernel.h * kernel.w);
                const int     down   = tap / kernel.w % kernel.h - point.window.pads.top;
                const int     along  = tap % kernel.w - point.window.pads.left;
                const double  weight = operands.weights[static_cast<size_t>(to) * kernel.c * kernel.h * kernel.w + tap];
                const double *source = input.data() + (static_cast<size_t>(image) * in.c + from) * in.h * in.w;
                for(int y = 0; y < out.h; ++y)
                {
                    const int row = y * stride + down;
                    if(row < 0 || row >= in.h)
                    {
                        continue; // padding
                    }
                    // The outputs of this row whose input column is not padding.
                    const int first = along < 0 ? (-along + stride - 1) / stride : 0;
                    const int last  = in.w - 1 - along < 0 ? -1 : std::min(out.w - 1, (in.w - 1 - along) / stride);
                    for(int x = first; x <= last; ++x)
                    {
                        plane[static_cast<size_t>(y) * out.w + x] +=
                            weight * source[static_cast<size_t>(row) * in.w + x * stride + along];
                    }
                }
            }
        }
    }
    return result;
}
} // namespace nntest
#endif
