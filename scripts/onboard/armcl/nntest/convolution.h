// A convolution of Arm Compute Library, depthwise ones among them, whichever of its functions does
// it: `Choice::make` configures one.
#ifndef NNTEST_CONVOLUTION_H
#define NNTEST_CONVOLUTION_H

#include "nntest/convolution_point.h"
#include "nntest/layer.h"

namespace nntest
{
inline arm_compute::PadStrideInfo pads_and_stride(const Sliding &window)
{
    const unsigned int step = static_cast<unsigned int>(window.stride);
    const Pads        &pads = window.pads;
    return arm_compute::PadStrideInfo(step, step, static_cast<unsigned int>(pads.left),
                                      static_cast<unsigned int>(pads.right), static_cast<unsigned int>(pads.top),
                                      static_cast<unsigned int>(pads.bottom),
                                      arm_compute::DimensionRoundingType::FLOOR);
}

template <typename Backend, typename Choice>
class ConvolutionLayer : public Layer<Backend>
{
public:
    ConvolutionLayer(const Settings &settings, const Variables &variables)
        : _point(Choice::point(variables)), _variables(variables), _order(settings.order()), _element(settings.element)
    {
    }

    Form in_form() const override
    {
        return Form{ _point.in, _order, _element };
    }
    Form out_form() const override
    {
        return Form{ _point.out, _order, _element };
    }
    std::vector<double> parameter_bytes() const override
    {
        return { weights_form().bytes(), bias_form().bytes() };
    }
    void draw(Random &random, const Settings &settings) override
    {
        _operands         = ConvolutionOperands::draw(_point, random);
        _operands.weights = settings.stored(_operands.weights);
        _operands.bias    = settings.stored(_operands.bias);
    }
    std::vector<double> expected(const std::vector<double> &input) const override
    {
        return convolve(_point, input, _operands);
    }
    void configure(Operand<Backend> &in, Operand<Backend> &out) override
    {
        _weights.describe(weights_form());
        _bias.describe(bias_form());
        this->_function = Choice::make(in.tensor, _weights.tensor, _bias.tensor, out.tensor, _point, _variables);
    }
    void fill() override
    {
        _weights.allocate();
        _bias.allocate();
        _weights.write(_operands.weights);
        _bias.write(_operands.bias);
    }

private:
    // The library takes a depthwise convolution's kernels for the channels of one image.
    Form weights_form() const
    {
        const Shape &shape = _point.weights;
        return Form{ _point.depthwise ? Shape{ 1, shape.n, shape.h, shape.w } : shape, _order, _element };
    }
    Form bias_form() const
    {
        return Form{ Shape{ 1, _point.weights.n, 1, 1 }, Order::FLAT, _element };
    }

    ConvolutionPoint    _point;
    Variables           _variables;
    Order               _order;
    Element             _element;
    ConvolutionOperands _operands;
    Operand<Backend>    _weights, _bias;
};
} // namespace nntest
#endif
