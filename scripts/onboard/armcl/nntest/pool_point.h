// One pooling to measure, and the right answer to it.
#ifndef NNTEST_POOL_POINT_H
#define NNTEST_POOL_POINT_H

#include "nntest/convolution_point.h"

#include <limits>

namespace nntest
{
struct PoolPoint
{
    Shape   in, out;
    Sliding window;
    bool    average;         // else the largest
    bool    exclude_padding; // from what an average is divided by

    static PoolPoint from(const Variables &variables, bool average)
    {
        PoolPoint point;
        point.in              = read_in_shape(variables);
        point.window.size     = variables.integer("CK_POOL_KERNEL", 1);
        point.window.stride   = variables.integer("CK_POOL_STRIDE", 1, 1);
        const int pad         = variables.integer("CK_POOL_PAD", 0, 0);
        point.window.pads     = Pads{ pad, pad, pad, pad };
        point.average         = average;
        point.exclude_padding = variables.flag("CK_EXCLUDE_PADDING", false);
        if(pad >= point.window.size)
        {
            throw Failure::bad_value("CK_POOL_PAD=" + std::to_string(pad) + " is not smaller than CK_POOL_KERNEL="
                                     + std::to_string(point.window.size) + ": a window would see nothing but padding");
        }
        point.out = point.window.over(point.in, point.in.c, "CK_POOL_KERNEL");
        return point;
    }
};

// Padding is no value: the largest is that of what lies in the image, and the average the sum of
// what lies in the image, divided by the window's area (or by how much of it lies in the image).
inline std::vector<double> pool(const PoolPoint &point, const std::vector<double> &input)
{
    const Shape        &in = point.in, &out = point.out;
    const Sliding      &window = point.window;
    std::vector<double> result(out.elements());
    for(size_t i = 0; i < result.size(); ++i)
    {
        const int     x = static_cast<int>(i % out.w), y = static_cast<int>(i / out.w % out.h);
        const double *plane = input.data() + i / out.w / out.h * in.h * in.w;
        const int     left = x * window.stride - window.pads.left, top = y * window.stride - window.pads.top;
        double        sum = 0, largest = -std::numeric_limits<double>::infinity();
        int           seen = 0;
        for(int row = std::max(top, 0); row < std::min(top + window.size, in.h); ++row)
        {
            for(int column = std::max(left, 0); column < std::min(left + window.size, in.w); ++column, ++seen)
            {
                const double value = plane[static_cast<size_t>(row) * in.w + column];
                sum += value;
                largest = std::max(largest, value);
            }
        }
        result[i] = point.average ? sum / (point.exclude_padding ? seen : window.size * window.size) : largest;
    }
    return result;
}
} // namespace nntest
#endif
