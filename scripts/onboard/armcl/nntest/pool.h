// A pooling of Arm Compute Library: of each window its average, or its largest.
#ifndef NNTEST_POOL_H
#define NNTEST_POOL_H

#include "nntest/backend_names.h"
#include "nntest/convolution.h"
#include "nntest/pool_point.h"

#include NNTEST_HEADER(PoolingLayer)

namespace nntest
{
template <typename Backend, bool AVERAGE>
class Pool : public Layer<Backend>
{
public:
    Pool(const Settings &settings, const Variables &variables)
        : _point(PoolPoint::from(variables, AVERAGE)), _order(settings.order()), _element(settings.element)
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
    std::vector<double> expected(const std::vector<double> &input) const override
    {
        return pool(_point, input);
    }
    void configure(Operand<Backend> &in, Operand<Backend> &out) override
    {
        using namespace arm_compute;
        const PoolingType   type = AVERAGE ? PoolingType::AVG : PoolingType::MAX;
        const unsigned int  size = static_cast<unsigned int>(_point.window.size);
        const PadStrideInfo how  = pads_and_stride(_point.window);
#if ARMCL_VERSION >= 2002
        const DataLayout       layout = _order == Order::NHWC ? DataLayout::NHWC : DataLayout::NCHW;
        const PoolingLayerInfo info(type, size, layout, how, _point.exclude_padding);
#else
        const PoolingLayerInfo info(type, size, how, _point.exclude_padding);
#endif
        this->_function =
            make_plain<NNTEST_CLASS(PoolingLayer)>(NNTEST_CLASS_NAME(PoolingLayer), in.tensor, out.tensor, info);
    }

private:
    PoolPoint _point;
    Order     _order;
    Element   _element;
};

template <typename Backend>
using AveragePool = Pool<Backend, true>;
template <typename Backend>
using MaxPool = Pool<Backend, false>;
} // namespace nntest
#endif
