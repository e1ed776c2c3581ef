// A layer with weights and biases, whatever it computes with them.
#ifndef NNTEST_WEIGHTED_H
#define NNTEST_WEIGHTED_H

#include "nntest/layer.h"
#include "nntest/operands.h"

#include <vector>

namespace nntest
{
template <typename Backend>
class WeightedLayer : public Layer<Backend>
{
public:
    std::vector<double> parameter_bytes() const override
    {
        return { weights_form().bytes(), bias_form().bytes() };
    }
    void draw(Random &random, const Settings &settings) override
    {
        _operands         = drawn(random);
        _operands.weights = settings.stored(_operands.weights);
        _operands.bias    = settings.stored(_operands.bias);
    }
    std::vector<double> expected(const std::vector<double> &input) const override
    {
        return sums(input, _operands);
    }
    Steps quantise(const Steps &source, const std::vector<double> &exact) override
    {
        _source   = source;
        _integers = IntegerOperands::of(_operands, source, weights_form().element == Element::INT8_CHANNELS);
        return Steps::covering(exact, source.integers);
    }
    std::vector<double> expected_of_integers(const std::vector<double> &input) const override
    {
        const int images = this->out_form().shape.n;
        return _integers.numbers(sums(_source.distances(input), _integers.exact()), images, _source);
    }
    void fill() override
    {
        _weights.allocate();
        _bias.allocate();
        if(bias_form().element == Element::INT32)
        {
            _weights.write_integers(as_they_lie(_integers.weights));
            _bias.write_integers(_integers.bias);
        }
        else
        {
            _weights.write(as_they_lie(_operands.weights));
            _bias.write(_operands.bias);
        }
    }
    Json weights_type() const override
    {
        return json(_weights.type_name());
    }

protected:
    virtual Operands drawn(Random &random) const = 0;
    // The right answer: each output its weighted inputs, summed, plus bias.
    virtual std::vector<double> sums(const std::vector<double> &input, const Operands &operands) const = 0;
    virtual Form weights_form() const = 0;
    virtual Form bias_form() const    = 0;
    // Which of the weights lies at this place of the library's tensor.
    virtual size_t lies_at(size_t place) const
    {
        return place;
    }

    void describe_operands()
    {
        _weights.describe(weights_form(), _integers.steps);
        _bias.describe(bias_form());
    }

    Operand<Backend> _weights, _bias;

private:
    template <typename Number>
    std::vector<Number> as_they_lie(const std::vector<Number> &weights) const
    {
        std::vector<Number> values;
        for(size_t at = 0; at < weights.size(); ++at)
        {
            values.push_back(weights[lies_at(at)]);
        }
        return values;
    }

    Operands        _operands;
    IntegerOperands _integers; // in int8
    Steps           _source = { ACTIVATIONS, 1, 0 };
};
} // namespace nntest
#endif
