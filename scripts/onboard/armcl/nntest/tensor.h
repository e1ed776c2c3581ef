// Fills and reads Arm Compute Library's tensors, which may have padding around every row.
#ifndef NNTEST_TENSOR_H
#define NNTEST_TENSOR_H

#include "nntest/shape.h"

#include "arm_compute/core/TensorInfo.h"
#include "arm_compute/core/Types.h"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace nntest
{
template <typename Tensor>
void describe_tensor(Tensor &tensor, const Shape &shape)
{
    const arm_compute::TensorShape dimensions(static_cast<size_t>(shape.w), static_cast<size_t>(shape.h),
                                              static_cast<size_t>(shape.c), static_cast<size_t>(shape.n));
    tensor.allocator()->init(arm_compute::TensorInfo(dimensions, 1, arm_compute::DataType::F32));
}

// Calls `row(pointer to the tensor's row, position in NCHW order)` for every row; the tensor's
// memory must be mapped.
template <typename Tensor, typename Row>
void for_each_row(Tensor &tensor, const Shape &shape, Row row)
{
    const auto &strides = tensor.info()->strides_in_bytes();
    uint8_t    *start   = tensor.buffer() + tensor.info()->offset_first_element_in_bytes();
    size_t      at      = 0;
    for(int n = 0; n < shape.n; ++n)
    {
        for(int c = 0; c < shape.c; ++c)
        {
            for(int h = 0; h < shape.h; ++h, at += shape.w)
            {
                row(reinterpret_cast<float *>(start + n * strides[3] + c * strides[2] + h * strides[1]), at);
            }
        }
    }
}

template <typename Backend>
void write_tensor(typename Backend::Tensor &tensor, const Shape &shape, const std::vector<float> &values)
{
    Backend::mapped(tensor, [&] {
        for_each_row(tensor, shape, [&](float *row, size_t at) {
            std::copy(values.data() + at, values.data() + at + shape.w, row);
        });
    });
}

template <typename Backend>
void fill_tensor(typename Backend::Tensor &tensor, const Shape &shape, float value)
{
    Backend::mapped(tensor, [&] {
        for_each_row(tensor, shape, [&](float *row, size_t) { std::fill(row, row + shape.w, value); });
    });
}

template <typename Backend>
void read_tensor(typename Backend::Tensor &tensor, const Shape &shape, std::vector<float> &values)
{
    values.resize(shape.elements());
    Backend::mapped(tensor, [&] {
        for_each_row(tensor, shape, [&](float *row, size_t at) { std::copy(row, row + shape.w, values.data() + at); });
    });
}
} // namespace nntest
#endif
