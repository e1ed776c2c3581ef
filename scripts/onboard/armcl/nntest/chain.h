// Layers one after the other, each on what the one before it gives; often one alone.  What goes in,
// what has to come out, and how far off it may be.
//
// In int8 the integers are chosen as frameworks/quantise.py chooses them, layer by layer from what
// the drawn input comes to there, and the right output is made of the same integers: sums exactly,
// then rescaled and rounded to the output's steps.
#ifndef NNTEST_CHAIN_H
#define NNTEST_CHAIN_H

#include "nntest/integers.h"
#include "nntest/output_check.h"
#include "nntest/random.h"
#include "nntest/settings.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

namespace nntest
{
template <typename Layer>
class Chain
{
public:
    // The input, then each layer's weights and biases in their order.
    void draw(const std::vector<Layer *> &layers, const Settings &settings)
    {
        _layers = layers;
        Random random(settings.seed);
        _input = settings.stored(random.uniform(layers.front()->in_form().shape.elements()));
        for(Layer *const layer : layers)
        {
            layer->draw(random, settings);
        }
        if(settings.element == Element::INT8)
        {
            quantise();
        }
    }

    const std::vector<float> &input() const
    {
        return _input;
    }
    // Of the input (0) and of each layer's output; empty where there are no integers.
    std::vector<Steps> steps(size_t tensor) const
    {
        return _steps.empty() ? std::vector<Steps>() : std::vector<Steps>{ _steps[tensor] };
    }
    // The right output of the last layer, made of the right answers before it.
    std::vector<double> expected() const
    {
        return run(nullptr);
    }
    // The largest difference from what is expected that passes.
    double tolerance(double threshold, const std::vector<double> &expected) const
    {
        if(_steps.empty())
        {
            return tolerance_of_floats(threshold, expected);
        }
        const double rounding = 1 + 1e-5; // outputs are read as single-precision numbers
        return threshold * rounding * (_layers.size() > 1 ? spread(expected) : _steps.back().scale);
    }

private:
    void quantise()
    {
        std::vector<double> exact = doubles();
        Steps               given = Steps::covering(exact, ACTIVATIONS);
        for(size_t i = 0; i < exact.size(); ++i)
        {
            exact[i]  = given.nearest(exact[i]);
            _input[i] = static_cast<float>(exact[i]);
        }
        _steps.push_back(given);
        for(Layer *const layer : _layers)
        {
            exact = layer->expected(exact);
            given = layer->quantise(given, exact);
            _steps.push_back(given);
        }
    }

    std::vector<double> doubles() const
    {
        return std::vector<double>(_input.begin(), _input.end());
    }

    // With `random`, values are moved by up to a quarter of a step before they are rounded.
    std::vector<double> run(Random *random) const
    {
        std::vector<double> values = doubles();
        for(size_t i = 0; i < _layers.size(); ++i)
        {
            if(_steps.empty())
            {
                values = _layers[i]->expected(values);
                continue;
            }
            const Steps &target = _steps[i + 1];
            values              = _layers[i]->expected_of_integers(values);
            if(random != nullptr)
            {
                const std::vector<float> moved = random->uniform(values.size(), 0.25 * target.scale);
                std::transform(values.begin(), values.end(), moved.begin(), values.begin(), std::plus<double>());
            }
            std::transform(values.begin(), values.end(), values.begin(),
                           [&](double value) { return target.nearest(value); });
        }
        return values;
    }

    // What a network makes of other roundings in its layers: the largest difference of three runs
    // whose values were moved.
    double spread(const std::vector<double> &expected) const
    {
        Random random(0);
        double largest = _steps.back().scale;
        for(int i = 0; i < 3; ++i)
        {
            const std::vector<double> other = run(&random);
            for(size_t at = 0; at < other.size(); ++at)
            {
                largest = std::max(largest, std::fabs(other[at] - expected[at]));
            }
        }
        return largest;
    }

    std::vector<Layer *> _layers;
    std::vector<float>            _input;
    std::vector<Steps>            _steps; // of the input, and of each layer's output
};
} // namespace nntest
#endif
