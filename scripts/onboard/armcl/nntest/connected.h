// A fully connected layer of Arm Compute Library: each output a weighted sum of all inputs, plus
// bias.
#ifndef NNTEST_CONNECTED_H
#define NNTEST_CONNECTED_H

#include "nntest/backend_names.h"
#include "nntest/connected_point.h"
#include "nntest/layer.h"

#include NNTEST_HEADER(FullyConnectedLayer)

namespace nntest
{
template <typename Backend>
class FullyConnected : public Layer<Backend>
{
public:
    FullyConnected(const Settings &settings, const Variables &variables)
        : _point(ConnectedPoint::from(variables)), _transpose(variables.flag("CK_TRANSPOSE_WEIGHTS", false)),
          _reshaped(variables.flag("CK_WEIGHTS_RESHAPED", false)), _element(settings.element)
    {
    }

    // As CK-NNTest's program has them: an image is a vector.
    Form in_form() const override
    {
        return Form{ _point.in, Order::FLAT, _element };
    }
    Form out_form() const override
    {
        return Form{ _point.out, Order::FLAT, _element };
    }
    // It makes vectors of images by itself.
    bool takes(const Form &form) const override
    {
        return form.shape == _point.in && form.element == _element
               && (form.order != Order::ROWS || form.shape.h * form.shape.w == 1);
    }
    std::vector<double> parameter_bytes() const override
    {
        return { weights_form().bytes(), bias_form().bytes() };
    }
    void draw(Random &random, const Settings &settings) override
    {
        _operands         = ConnectedOperands::draw(_point, random);
        _operands.weights = settings.stored(_operands.weights);
        _operands.bias    = settings.stored(_operands.bias);
    }
    std::vector<double> expected(const std::vector<double> &input) const override
    {
        return connect(_point, input, _operands);
    }
    void configure(Operand<Backend> &in, Operand<Backend> &out) override
    {
        const char *const name = NNTEST_CLASS_NAME(FullyConnectedLayer);
        using Type             = NNTEST_CLASS(FullyConnectedLayer);
        _weights.describe(weights_form());
        _bias.describe(bias_form());
#if ARMCL_VERSION >= 1808
        arm_compute::FullyConnectedLayerInfo how;
        how.transpose_weights    = _transpose;
        how.are_weights_reshaped = _reshaped;
        this->_function = make_weighted<Type>(name, in.tensor, _weights.tensor, _bias.tensor, out.tensor, how);
#else
        this->_function =
            make_weighted<Type>(name, in.tensor, _weights.tensor, _bias.tensor, out.tensor, _transpose, _reshaped);
#endif
    }
    void fill() override
    {
        _weights.allocate();
        _bias.allocate();
        _bias.write(_operands.bias);
        const size_t       ins = _point.inputs(), outs = _point.outputs();
        std::vector<float> values = _operands.weights;
        if(outputs_inside())
        {
            for(size_t at = 0; at < values.size(); ++at)
            {
                values[at] = _operands.weights[at % outs * ins + at / outs];
            }
        }
        _weights.write(values);
    }

private:
    // The library multiplies by a matrix with the outputs of an input side by side.  It makes that
    // itself of one with the inputs of an output side by side, if told to transpose it.
    bool outputs_inside() const
    {
        return !_transpose || _reshaped;
    }
    Form weights_form() const
    {
        const int ins = static_cast<int>(_point.inputs()), outs = static_cast<int>(_point.outputs());
        return Form{ outputs_inside() ? Shape{ ins, outs, 1, 1 } : Shape{ outs, ins, 1, 1 }, Order::FLAT, _element };
    }
    Form bias_form() const
    {
        return Form{ Shape{ 1, static_cast<int>(_point.outputs()), 1, 1 }, Order::FLAT, _element };
    }

    ConnectedPoint    _point;
    bool              _transpose, _reshaped;
    Element           _element;
    ConnectedOperands _operands;
    Operand<Backend>  _weights, _bias;
};
} // namespace nntest
#endif
