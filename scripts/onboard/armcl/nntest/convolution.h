// A convolution of Arm Compute Library, whichever of its layers does it, on whichever backend.
#ifndef NNTEST_CONVOLUTION_H
#define NNTEST_CONVOLUTION_H

#include "nntest/convolution_point.h"
#include "nntest/settings.h"
#include "nntest/tensor.h"

#include "arm_compute/core/Error.h"

#include <algorithm>
#include <stdexcept>
#include <vector>

namespace nntest
{
template <typename BackendType, typename Layer>
class Convolution
{
public:
    using Backend = BackendType;

    Convolution()
        : _point(ConvolutionPoint::from_environment())
    {
    }

    const Shape &in_shape() const
    {
        return _point.in;
    }
    const Shape &out_shape() const
    {
        return _point.out;
    }
    typename Backend::Tensor &output()
    {
        return _output;
    }

    // Throws a Failure where the tensors that go in and out cannot fit.
    void check_memory(const Backend &backend) const
    {
        const double sizes[] = { _point.in.bytes(), _point.weights.bytes(), _point.out.bytes() };
        backend.check_memory(*std::max_element(sizes, sizes + 3), sizes[0] + sizes[1] + sizes[2]);
    }

    void draw(int seed)
    {
        _operands = ConvolutionOperands::draw(_point, seed);
    }
    std::vector<double> expected() const
    {
        return convolve(_point, _operands);
    }

    // Everything up to the first run: configure (which builds the kernels), allocate, fill.
    // Throws a Failure where the layer does not do this convolution.
    void set_up()
    {
        using namespace arm_compute;
        const Shape         bias{ 1, 1, 1, _point.weights.n };
        const Pads         &pads = _point.pads;
        const unsigned int  step = static_cast<unsigned int>(_point.stride);
        const PadStrideInfo how(step, step, pads.left, pads.right, pads.top, pads.bottom, DimensionRoundingType::FLOOR);
        describe_tensor(_input, _point.in);
        describe_tensor(_weights, _point.weights);
        describe_tensor(_bias, bias);
        describe_tensor(_output, _point.out);
        // A released library leaves the check out of configure().
        const Status status = validate<Layer>(how, 0);
        if(!bool(status))
        {
            throw Failure::not_supported(status.error_description());
        }
        try
        {
            _layer.configure(&_input, &_weights, &_bias, &_output, how);
        }
        catch(const std::runtime_error &error) // what the device lacks, or a kernel's missing file
        {
            throw Failure::not_supported(error.what());
        }
        for(typename Backend::Tensor *tensor : { &_input, &_weights, &_bias, &_output })
        {
            tensor->allocator()->allocate();
        }
        write_tensor<Backend>(_input, _point.in, _operands.input);
        write_tensor<Backend>(_weights, _point.weights, _operands.weights);
        write_tensor<Backend>(_bias, bias, _operands.bias);
    }

    void run()
    {
        _layer.run();
    }

private:
    template <typename L>
    auto validate(const arm_compute::PadStrideInfo &how, int) const
        -> decltype(L::validate(nullptr, nullptr, nullptr, nullptr, how))
    {
        return L::validate(_input.info(), _weights.info(), _bias.info(), _output.info(), how);
    }
    // For layers of an age that had no such check.
    template <typename L>
    arm_compute::Status validate(const arm_compute::PadStrideInfo &, long) const
    {
        return arm_compute::Status();
    }

    ConvolutionPoint         _point;
    ConvolutionOperands      _operands;
    typename Backend::Tensor _input, _weights, _bias, _output;
    Layer                    _layer;
};
} // namespace nntest
#endif
