// One softmax to measure, and the right answer to it.
#ifndef NNTEST_SOFTMAX_POINT_H
#define NNTEST_SOFTMAX_POINT_H

#include "nntest/convolution_point.h"

namespace nntest
{
// Over the channels, at every place of every image: e^x divided by the sum of them.
inline std::vector<double> softmax(const Shape &shape, const std::vector<double> &input)
{
    const size_t        plane = static_cast<size_t>(shape.h) * shape.w, image = plane * shape.c;
    std::vector<double> result(shape.elements());
    for(size_t at = 0; at < plane * shape.n; ++at)
    {
        const size_t first   = at / plane * image + at % plane;
        double       largest = input[first], sum = 0;
        for(size_t i = first; i < first + image; i += plane)
        {
            largest = std::max(largest, input[i]);
        }
        for(size_t i = first; i < first + image; i += plane)
        {
            sum += result[i] = std::exp(input[i] - largest);
        }
        for(size_t i = first; i < first + image; i += plane)
        {
            result[i] /= sum;
        }
    }
    return result;
}
} // namespace nntest
#endif
