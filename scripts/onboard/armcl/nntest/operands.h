// The weights and biases of a layer: as they are drawn, and as 8-bit integers.
#ifndef NNTEST_OPERANDS_H
#define NNTEST_OPERANDS_H

#include "nntest/integers.h"
#include "nntest/random.h"

#include <cmath>
#include <vector>

namespace nntest
{
struct Operands
{
    std::vector<float> weights, bias; // weights: those of an output channel side by side

    // Uniform; the weights are scaled down by the square root of how many products an output
    // sums, so that outputs are of the order of 1 and one absolute threshold suits every point.
    static Operands draw(size_t outputs, size_t summed, Random &random)
    {
        Operands operands;
        operands.weights = random.uniform(outputs * summed, 1 / std::sqrt(static_cast<double>(summed)));
        operands.bias    = random.uniform(outputs);
        return operands;
    }
};

struct IntegerOperands
{
    std::vector<Steps> steps; // of the weights: one, or one for each output channel
    std::vector<int>   weights, bias;

    // A bias has the scale of input times weights.
    static IntegerOperands of(const Operands &operands, const Steps &source, bool scales_of_channels)
    {
        IntegerOperands integers;
        const size_t    outputs = operands.bias.size(), summed = operands.weights.size() / outputs;
        const float    *first = operands.weights.data(), *last = first + operands.weights.size();
        if(scales_of_channels)
        {
            for(const float *row = first; row != last; row += summed)
            {
                integers.steps.push_back(Steps::symmetric(row, row + summed, SYMMETRIC_WEIGHTS));
            }
        }
        else
        {
            integers.steps.push_back(Steps::covering(operands.weights, WEIGHTS));
        }
        for(size_t i = 0; i < operands.weights.size(); ++i)
        {
            integers.weights.push_back(integers.steps_of(i / summed).integer(operands.weights[i]));
        }
        for(size_t i = 0; i < outputs; ++i)
        {
            const float scale = source.scale * integers.steps_of(i).scale;
            integers.bias.push_back(static_cast<int>(std::rint(operands.bias[i] / scale)));
        }
        return integers;
    }

    const Steps &steps_of(size_t output) const
    {
        return steps[steps.size() > 1 ? output : 0];
    }
    // What the sums are made of: weights without their zero point.
    Operands exact() const
    {
        Operands exact;
        for(const int weight : weights)
        {
            exact.weights.push_back(static_cast<float>(weight - steps.front().zero));
        }
        exact.bias.assign(bias.begin(), bias.end());
        return exact;
    }
    // What sums of products stand for; an image's outputs lie one after the other in them.
    std::vector<double> numbers(const std::vector<double> &sums, int images, const Steps &source) const
    {
        const size_t        outputs = bias.size(), each = sums.size() / images / outputs;
        std::vector<double> numbers;
        for(size_t i = 0; i < sums.size(); ++i)
        {
            numbers.push_back(sums[i] * source.scale * steps_of(i / each % outputs).scale);
        }
        return numbers;
    }
};
} // namespace nntest
#endif
