// The shape of a tensor, outermost dimension first: batch, channels, height, width.
#ifndef NNTEST_SHAPE_H
#define NNTEST_SHAPE_H

#include <cstddef>

namespace nntest
{
struct Shape
{
    int n, c, h, w;

    // As a floating-point number: the product of four integers may be larger than any integer.
    double bytes() const
    {
        return static_cast<double>(sizeof(float)) * n * c * h * w;
    }
    size_t elements() const
    {
        return static_cast<size_t>(n) * c * h * w;
    }
};
} // namespace nntest
#endif
