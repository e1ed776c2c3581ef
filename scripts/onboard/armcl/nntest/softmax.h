// A softmax of Arm Compute Library, over the channels.
#ifndef NNTEST_SOFTMAX_H
#define NNTEST_SOFTMAX_H

#include "nntest/backend_names.h"
#include "nntest/layer.h"
#include "nntest/softmax_point.h"

#include NNTEST_HEADER(SoftmaxLayer)

namespace nntest
{
template <typename Backend>
class Softmax : public Layer<Backend>
{
public:
    Softmax(const Settings &settings, const Variables &variables)
        : _shape(read_in_shape(variables)), _element(settings.element)
    {
    }

    // The library's softmax goes along rows: the channels are one, whatever the layout.
    Form in_form() const override
    {
        return Form{ _shape, Order::ROWS, _element };
    }
    Form out_form() const override
    {
        return in_form();
    }
    bool takes(const Form &form) const override
    {
        return form.dimensions() == in_form().dimensions() && form.element == _element
               && (form.order == Order::ROWS || _shape.h * _shape.w == 1);
    }
    // What the library takes and nothing else.
    Steps quantise(const Steps &source, const std::vector<double> &) override
    {
        return Steps{ source.integers, 1 / 256.0f, 0 };
    }
    std::vector<double> expected(const std::vector<double> &input) const override
    {
        return softmax(_shape, input);
    }
    void configure(Operand<Backend> &in, Operand<Backend> &out) override
    {
        const char *const name = NNTEST_CLASS_NAME(SoftmaxLayer);
        using Type             = NNTEST_CLASS(SoftmaxLayer);
#if ARMCL_VERSION == 2005 && defined(NNTEST_BACKEND_NEON)
        // In this one version what is squashed into a row is counted from the end, if not said.
        const float   beta = 1;
        const int32_t axis = 1;
        this->_function    = make_plain<Type>(name, in.tensor, out.tensor, beta, axis);
#else
        this->_function = make_plain<Type>(name, in.tensor, out.tensor);
#endif
    }

private:
    Shape   _shape;
    Element _element;
};
} // namespace nntest
#endif
