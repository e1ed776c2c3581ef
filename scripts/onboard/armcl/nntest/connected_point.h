// One fully connected layer to measure, and the right answer to it.
#ifndef NNTEST_CONNECTED_POINT_H
#define NNTEST_CONNECTED_POINT_H

#include "nntest/convolution_point.h"

namespace nntest
{
struct ConnectedPoint
{
    Shape in, out;

    size_t inputs() const
    {
        return static_cast<size_t>(in.c) * in.h * in.w;
    }
    size_t outputs() const
    {
        return static_cast<size_t>(out.c) * out.h * out.w;
    }
    static ConnectedPoint from(const Variables &variables)
    {
        ConnectedPoint point;
        point.in    = read_in_shape(variables);
        point.out.n = point.in.n;
        point.out.c = variables.integer("CK_OUT_SHAPE_C", 1, 1);
        point.out.h = variables.integer("CK_OUT_SHAPE_H", 1, 1);
        point.out.w = variables.integer("CK_OUT_SHAPE_W", 1, 1);
        if(std::max(static_cast<double>(point.in.c) * point.in.h * point.in.w,
                    static_cast<double>(point.out.c) * point.out.h * point.out.w)
           > LARGEST_INTEGER)
        {
            throw Failure::bad_value("a vector of more than " + std::to_string(LARGEST_INTEGER) + " elements");
        }
        return point;
    }
    Operands draw(Random &random) const
    {
        return Operands::draw(outputs(), inputs(), random);
    }
};

inline std::vector<double> connect(const ConnectedPoint &point, const std::vector<double> &input,
                                   const Operands &operands)
{
    const size_t        ins = point.inputs(), outs = point.outputs();
    std::vector<double> result(point.out.elements());
    for(size_t i = 0; i < result.size(); ++i)
    {
        const float  *weights = operands.weights.data() + i % outs * ins;
        const double *image   = input.data() + i / outs * ins;
        double        sum     = operands.bias[i % outs];
        for(size_t at = 0; at < ins; ++at)
        {
            sum += weights[at] * image[at];
        }
        result[i] = sum;
    }
    return result;
}
} // namespace nntest
#endif
