// A fully connected layer of Arm Compute Library: each output a weighted sum of all inputs, plus
// bias.
#ifndef NNTEST_CONNECTED_H
#define NNTEST_CONNECTED_H

#include "nntest/backend_names.h"
#include "nntest/connected_point.h"
#include "nntest/weighted.h"

#include NNTEST_HEADER(FullyConnectedLayer)

namespace nntest
{
template <typename Backend>
class FullyConnected : public WeightedLayer<Backend>
{
public:
    FullyConnected(const Settings &settings, const Variables &variables)
        : _point(ConnectedPoint::from(variables)), _transpose(variables.flag("CK_TRANSPOSE_WEIGHTS", false)),
          _reshaped(variables.flag("CK_WEIGHTS_RESHAPED", false)), _element(settings.element),
          _bias_element(settings.bias_element())
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
    void configure(Operand<Backend> &in, Operand<Backend> &out) override
    {
        const char *const name = NNTEST_CLASS_NAME(FullyConnectedLayer);
        using Type             = NNTEST_CLASS(FullyConnectedLayer);
        auto &weights          = this->_weights.tensor;
        auto &bias             = this->_bias.tensor;
        this->describe_operands();
#if ARMCL_VERSION >= 1808
        arm_compute::FullyConnectedLayerInfo how;
        how.transpose_weights    = _transpose;
        how.are_weights_reshaped = _reshaped;
        this->_function = make_weighted<Type>(name, in.tensor, weights, bias, out.tensor, how);
#else
        this->_function = make_weighted<Type>(name, in.tensor, weights, bias, out.tensor, _transpose, _reshaped);
#endif
    }

protected:
    Operands drawn(Random &random) const override
    {
        return _point.draw(random);
    }
    std::vector<double> sums(const std::vector<double> &input, const Operands &operands) const override
    {
        return connect(_point, input, operands);
    }
    Form weights_form() const override
    {
        const int ins = static_cast<int>(_point.inputs()), outs = static_cast<int>(_point.outputs());
        return Form{ outputs_inside() ? Shape{ ins, outs, 1, 1 } : Shape{ outs, ins, 1, 1 }, Order::FLAT, _element };
    }
    Form bias_form() const override
    {
        return Form{ Shape{ 1, static_cast<int>(_point.outputs()), 1, 1 }, Order::FLAT, _bias_element };
    }
    size_t lies_at(size_t place) const override
    {
        const size_t ins = _point.inputs(), outs = _point.outputs();
        return outputs_inside() ? place % outs * ins + place / outs : place;
    }

private:
    // The library multiplies by a matrix with the outputs of an input side by side.  It makes that
    // itself of one with the inputs of an output side by side, if told to transpose it.
    bool outputs_inside() const
    {
        return !_transpose || _reshaped;
    }

    ConnectedPoint _point;
    bool           _transpose, _reshaped;
    Element        _element, _bias_element;
};
} // namespace nntest
#endif
