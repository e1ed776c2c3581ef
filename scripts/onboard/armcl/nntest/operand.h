// A tensor of Arm Compute Library with its form, and in int8 its steps: filled from, and read into,
// vectors in NCHW order.
#ifndef NNTEST_OPERAND_H
#define NNTEST_OPERAND_H

#include "nntest/half.h"
#include "nntest/integers.h"
#include "nntest/shape.h"

#include "arm_compute/core/TensorInfo.h"
#include "arm_compute/core/Types.h"
#include "arm_compute/core/Utils.h"

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace nntest
{
template <typename Backend>
class Operand
{
public:
    using Tensor = typename Backend::Tensor;

    // Say what the tensor is, before a layer is configured with it.  Integers have one entry of
    // `steps`, or one for each channel.
    void describe(const Form &form, const std::vector<Steps> &steps = {})
    {
        _form  = form;
        _steps = steps;
        arm_compute::TensorShape dimensions;
        size_t                   at = 0;
        for(const size_t dimension : form.dimensions())
        {
            dimensions.set(at++, dimension);
        }
        arm_compute::TensorInfo info(dimensions, 1, data_type());
        if(!steps.empty())
        {
            info.set_quantization_info(quantization());
        }
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
    // The library's name of what its elements are.
    std::string type_name() const
    {
        return arm_compute::string_from_data_type(tensor.info()->data_type());
    }

    void write(const std::vector<float> &values)
    {
        for_each_element([&](uint8_t *element, size_t at) { set(element, values[at]); });
    }
    // Where the integers are known that its numbers become.
    void write_integers(const std::vector<int> &integers)
    {
        for_each_element([&](uint8_t *element, size_t at) { set_integer(element, integers[at]); });
    }
    // Fill an output with NaN, or with integers that are each half of their range off.
    void spoil(const std::vector<double> &expected)
    {
        for_each_element([&](uint8_t *element, size_t at) {
            if(_form.element == Element::INT8)
            {
                set_integer(element, _steps.front().integer(expected[at]) ^ 0x80);
            }
            else
            {
                set(element, std::numeric_limits<float>::quiet_NaN());
            }
        });
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
            const size_t step = bytes_of(_form.element);
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

    arm_compute::DataType data_type() const
    {
        using arm_compute::DataType;
        switch(_form.element)
        {
            case Element::INT8:
                return DataType::QASYMM8;
#if ARMCL_VERSION >= 1911
            case Element::INT8_CHANNELS:
                return DataType::QSYMM8_PER_CHANNEL;
#endif
            case Element::INT32:
                return DataType::S32;
            case Element::FP16:
                return DataType::F16;
            default:
                return DataType::F32;
        }
    }
    arm_compute::QuantizationInfo quantization() const
    {
#if ARMCL_VERSION >= 1911
        if(_form.element == Element::INT8_CHANNELS)
        {
            std::vector<float> scales;
            for(const Steps &steps : _steps)
            {
                scales.push_back(steps.scale);
            }
            return arm_compute::QuantizationInfo(scales);
        }
#endif
        return arm_compute::QuantizationInfo(_steps.front().scale, _steps.front().zero);
    }

    void set_integer(uint8_t *element, int value) const
    {
        if(_form.element == Element::INT32)
        {
            *reinterpret_cast<int32_t *>(element) = value;
        }
        else
        {
            *element = static_cast<uint8_t>(value); // of a negative one, its bits
        }
    }
    void set(uint8_t *element, float value) const
    {
        if(_form.element == Element::INT8)
        {
            set_integer(element, _steps.front().integer(value));
        }
        else if(_form.element == Element::FP16)
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
        if(_form.element == Element::INT8)
        {
            return static_cast<float>(_steps.front().number(*element));
        }
        return _form.element == Element::FP16 ? from_half(*reinterpret_cast<const uint16_t *>(element))
                                              : *reinterpret_cast<const float *>(element);
    }

    Form               _form = { { 1, 1, 1, 1 }, Order::NCHW, Element::FP32 };
    std::vector<Steps> _steps;
};
} // namespace nntest
#endif
