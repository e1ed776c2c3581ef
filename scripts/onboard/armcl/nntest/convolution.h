// A convolution of Arm Compute Library, depthwise ones among them, whichever of its functions does
// it: `Choice::make` configures one.
#ifndef NNTEST_CONVOLUTION_H
#define NNTEST_CONVOLUTION_H

#include "nntest/convolution_point.h"
#include "nntest/weighted.h"

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
class ConvolutionLayer : public WeightedLayer<Backend>
{
public:
    ConvolutionLayer(const Settings &settings, const Variables &variables)
        : _point(Choice::point(variables)), _variables(variables), _order(settings.order()), _element(settings.element),
          _bias_element(settings.bias_element())
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
    void configure(Operand<Backend> &in, Operand<Backend> &out) override
    {
        this->describe_operands();
        this->_function =
            Choice::make(in.tensor, this->_weights.tensor, this->_bias.tensor, out.tensor, _point, _variables);
    }

protected:
    Operands drawn(Random &random) const override
    {
        return _point.draw(random);
    }
    std::vector<double> sums(const std::vector<double> &input, const Operands &operands) const override
    {
        return convolve(_point, input, operands);
    }
    // The library takes a depthwise convolution's kernels for the channels of one image.
    Form weights_form() const override
    {
        const Shape  &shape       = _point.weights;
        const bool    of_channels = Choice::SCALES_OF_CHANNELS && _element == Element::INT8;
        const Element element     = of_channels ? Element::INT8_CHANNELS : _element;
        return Form{ _point.depthwise ? Shape{ 1, shape.n, shape.h, shape.w } : shape, _order, element };
    }
    Form bias_form() const override
    {
        return Form{ Shape{ 1, _point.weights.n, 1, 1 }, Order::FLAT, _bias_element };
    }

private:
    ConvolutionPoint _point;
    Variables        _variables;
    Order            _order;
    Element          _element, _bias_element;
};
} // namespace nntest
#endif
