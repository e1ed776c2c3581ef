// A tensor of Arm Compute Library with its form: filled from, and read into, vectors in NCHW order.
#ifndef NNTEST_OPERAND_H
#define NNTEST_OPERAND_H

#include "nntest/half.h"
#include "nntest/shape.h"

#include "arm_compute/core/TensorInfo.h"
#include "arm_compute/core/Types.h"

#include <cstdint>
#include <limits>
#include <vector>

namespace nntest
{
template <typename Backend>
class Operand
{
public:
    using Tensor = typename Backend::Tensor;

    // Say what the tensor is, before a layer is configured with it.
    void describe(const Form &form)
    {
        _form = form;
        arm_compute::TensorShape dimensions;
        size_t                   at = 0;
        for(const size_t dimension : form.dimensions())
        {
            dimensions.set(at++, dimension);
        }
        arm_compute::TensorInfo info(dimensions, 1,
                                     form.element == Element::FP16 ? arm_compute::DataType::F16
                                                                   : arm_compute::DataType::F32);
#if ARMCL_VERSION >= 1808
        info.set_data_layout(form.order == Order::NHWC ? arm_compute::DataLayout::NHWC
                                                       : arm_compute::DataLayout::NCHW);
#endif
        tensor.allocator()->init(info);
    }
    // Only after every layer that uses it is configured: layers ask for padding around the rows.
    void allocate()
    {
        tensor.allocator()->allocate();
    }
    const Form &form() const
    {
        return _form;
    }

    void write(const std::vector<float> &values)
    {
        for_each_element([&](uint8_t *element, size_t at) { set(element, values[at]); });
    }
    void fill_with_nan()
    {
        for_each_element([&](uint8_t *element, size_t) { set(element, std::numeric_limits<float>::quiet_NaN()); });
    }
    void read(std::vector<float> &values)
    {
        values.resize(_form.shape.elements());
        for_each_element([&](uint8_t *element, size_t at) { values[at] = get(element); });
    }

    Tensor tensor;

private:
    // Calls `with(pointer to the element, its position in NCHW order)`, in the order of memory.
    template <typename With>
    void for_each_element(With with)
    {
        Backend::mapped(tensor, [&] {
            const auto  &strides = tensor.info()->strides_in_bytes();
            uint8_t     *start   = tensor.buffer() + tensor.info()->offset_first_element_in_bytes();
            const Shape &shape   = _form.shape;
            const size_t plane = static_cast<size_t>(shape.h) * shape.w, image = plane * shape.c;
            const size_t step = _form.element == Element::FP16 ? 2 : 4;
            for(size_t n = 0; n < static_cast<size_t>(shape.n); ++n)
            {
                if(_form.order == Order::FLAT)
                {
                    for(size_t i = 0; i < image; ++i)
                    {
                        with(start + n * strides[1] + i * step, n * image + i);
                    }
                    continue;
                }
                const size_t outer = _form.channels_inside() ? plane : image / shape.w;
                const size_t inner = _form.channels_inside() ? shape.c : shape.w;
                for(size_t row = 0; row < outer; ++row)
                {
                    uint8_t *const first = start + row_offset(strides, n, row);
                    for(size_t i = 0; i < inner; ++i)
                    {
                        with(first + i * step, n * image + (_form.channels_inside() ? i * plane + row : row * inner + i));
                    }
                }
            }
        });
    }
    template <typename Strides>
    size_t row_offset(const Strides &strides, size_t image, size_t row) const
    {
        if(_form.order == Order::ROWS)
        {
            return (image * _form.shape.h * _form.shape.w + row) * strides[1];
        }
        const size_t second = _form.order == Order::NHWC ? _form.shape.w : _form.shape.h;
        return image * strides[3] + row / second * strides[2] + row % second * strides[1];
    }

    void set(uint8_t *element, float value) const
    {
        if(_form.element == Element::FP16)
        {
            *reinterpret_cast<uint16_t *>(element) = to_half(value);
        }
        else
        {
            *reinterpret_cast<float *>(element) = value;
        }
    }
    float get(const uint8_t *element) const
    {
        return _form.element == Element::FP16 ? from_half(*reinterpret_cast<const uint16_t *>(element))
                                              : *reinterpret_cast<const float *>(element);
    }

    Form _form = { { 1, 1, 1, 1 }, Order::NCHW, Element::FP32 };
};
} // namespace nntest
#endif
