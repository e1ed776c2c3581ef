// The shape of a tensor, outermost dimension first: batch, channels, height, width; and its form:
// the shape, in which order its elements lie in memory, and what they are.
#ifndef NNTEST_SHAPE_H
#define NNTEST_SHAPE_H

#include <cstddef>
#include <string>
#include <vector>

namespace nntest
{
struct Shape
{
    int n, c, h, w;

    size_t elements() const
    {
        return static_cast<size_t>(n) * c * h * w;
    }
    bool operator==(const Shape &other) const
    {
        return n == other.n && c == other.c && h == other.h && w == other.w;
    }
    std::string text() const
    {
        return std::to_string(n) + "x" + std::to_string(c) + "x" + std::to_string(h) + "x" + std::to_string(w);
    }
};

enum class Element
{
    FP32,
    FP16,
    INT8,          // with one scale and zero point (nntest/integers.h)
    INT8_CHANNELS, // weights with a scale for each output channel
    INT32          // biases of what is computed in INT8
};

inline size_t bytes_of(Element element)
{
    const bool byte = element == Element::INT8 || element == Element::INT8_CHANNELS;
    return byte ? 1 : element == Element::FP16 ? 2 : 4;
}

// How a tensor lies: which dimensions it has, innermost first.
enum class Order
{
    NCHW, // width, height, channels, batch
    NHWC, // channels, width, height, batch
    FLAT, // all of an image (in the order of NCHW), batch
    ROWS  // channels, everything else (in the order of NHWC)
};

struct Form
{
    Shape   shape;
    Order   order;
    Element element;

    // As a floating-point number: the product of four integers may be larger than any integer.
    double bytes() const
    {
        return static_cast<double>(bytes_of(element)) * shape.n * shape.c * shape.h * shape.w;
    }
    // Innermost first.
    std::vector<size_t> dimensions() const
    {
        const size_t n = shape.n, c = shape.c, h = shape.h, w = shape.w;
        switch(order)
        {
            case Order::NCHW:
                return { w, h, c, n };
            case Order::NHWC:
                return { c, w, h, n };
            case Order::FLAT:
                return { w * h * c, n };
            default:
                return { c, w * h * n };
        }
    }
    // Whether an image's channels lie side by side.
    bool channels_inside() const
    {
        return order == Order::NHWC || order == Order::ROWS;
    }
    bool operator==(const Form &other) const
    {
        return shape == other.shape && order == other.order && element == other.element;
    }
    // Whether the elements follow each other in memory in the same sequence, so that a reshape,
    // which keeps that sequence, makes one of the other.
    bool same_sequence(const Form &other) const
    {
        const bool   either = channels_inside() == other.channels_inside();
        const Shape &a = shape, &b = other.shape;
        if(a.n != b.n || a.elements() != b.elements() || element != other.element)
        {
            return false;
        }
        const bool plain = (a.c == 1 || a.h * a.w == 1) && (b.c == 1 || b.h * b.w == 1);
        return plain || (either && (!channels_inside() || a == b));
    }
};
} // namespace nntest
#endif
