// A layer of Arm Compute Library, whichever it is and on whichever backend; and one alone as the
// operator that a program measures.
#ifndef NNTEST_LAYER_H
#define NNTEST_LAYER_H

#include "nntest/failure.h"
#include "nntest/json.h"
#include "nntest/operand.h"
#include "nntest/random.h"
#include "nntest/settings.h"
#include "nntest/shape.h"

#include "arm_compute/core/Error.h"
#include "arm_compute/runtime/IFunction.h"

#include <algorithm>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace nntest
{
// One of the library's functions, configured, and what its class is called.
struct Function
{
    std::unique_ptr<arm_compute::IFunction> function;
    const char                             *name;
};

template <typename Type, typename... Arguments>
auto validated(int, const Arguments &... arguments) -> decltype(Type::validate(arguments...))
{
    return Type::validate(arguments...);
}
// For functions of an age that had no such check.
template <typename Type, typename... Arguments>
arm_compute::Status validated(long, const Arguments &...)
{
    return arm_compute::Status();
}

// Check and configure; Throws a Failure where the function does not do this.  A released library
// leaves the check out of configure().
template <typename Type, typename Configure>
Function configured(const char *name, const arm_compute::Status &status, Configure configure)
{
    if(!bool(status))
    {
        throw Failure::not_supported(std::string(name) + ": " + status.error_description());
    }
    std::unique_ptr<Type> function(new Type());
    try
    {
        configure(*function);
    }
    catch(const std::runtime_error &error) // what the device lacks, or a kernel's missing file
    {
        throw Failure::not_supported(error.what());
    }
    return Function{ std::move(function), name };
}

// A function with weights and biases, and one without.
template <typename Type, typename Tensor, typename... More>
Function make_weighted(const char *name, Tensor &in, Tensor &weights, Tensor &bias, Tensor &out, const More &... more)
{
    return configured<Type>(name, validated<Type>(0, in.info(), weights.info(), bias.info(), out.info(), more...),
                            [&](Type &function) { function.configure(&in, &weights, &bias, &out, more...); });
}
template <typename Type, typename Tensor, typename... More>
Function make_plain(const char *name, Tensor &in, Tensor &out, const More &... more)
{
    return configured<Type>(name, validated<Type>(0, in.info(), out.info(), more...),
                            [&](Type &function) { function.configure(&in, &out, more...); });
}

template <typename Backend>
class Layer
{
public:
    virtual ~Layer()
    {
    }
    // What it takes when it is alone, and what it gives.
    virtual Form in_form() const  = 0;
    virtual Form out_form() const = 0;
    // Whether it takes an input of this form as it is.
    virtual bool takes(const Form &form) const
    {
        return form == in_form();
    }
    // The largest of its weights and biases, in bytes, and all of them.
    virtual std::vector<double> parameter_bytes() const
    {
        return {};
    }
    virtual void draw(Random &, const Settings &)
    {
    }
    // The right answer, in NCHW order, in double precision.
    virtual std::vector<double> expected(const std::vector<double> &input) const = 0;
    // Everything up to the first run but memory: configure, which builds the kernels.
    virtual void configure(Operand<Backend> &in, Operand<Backend> &out) = 0;
    // Allocate and write the weights and biases.
    virtual void fill()
    {
    }
    void run()
    {
        _function.function->run();
    }
    // The library's class that does it.
    const char *function_name() const
    {
        return _function.function ? _function.name : "";
    }

protected:
    Function _function = { nullptr, "" };
};

// One layer, as `Program` measures it.
template <typename BackendType, typename LayerType>
class Single
{
public:
    using Backend                 = BackendType;
    static const bool MANY_LAYERS = false;

    explicit Single(const Settings &settings)
        : _layer(settings, Variables::environment()), _tuner(settings.tuner), _in(_layer.in_form().shape),
          _out(_layer.out_form().shape)
    {
    }

    const Shape &in_shape() const
    {
        return _in;
    }
    const Shape &out_shape() const
    {
        return _out;
    }
    Operand<Backend> &output()
    {
        return _output;
    }
    std::set<std::string> tuners() const
    {
        return { _tuner };
    }
    // Throws a Failure where the tensors that go in and out cannot fit.
    void check_memory(const Backend &backend) const
    {
        std::vector<double> sizes = _layer.parameter_bytes();
        sizes.insert(sizes.end(), { _layer.in_form().bytes(), _layer.out_form().bytes() });
        double total = 0;
        for(const double size : sizes)
        {
            total += size;
        }
        backend.check_memory(*std::max_element(sizes.begin(), sizes.end()), total);
    }
    void draw(const Settings &settings)
    {
        Random random(settings.seed);
        _values = settings.stored(random.uniform(_in.elements()));
        _layer.draw(random, settings);
    }
    std::vector<double> expected() const
    {
        return _layer.expected(std::vector<double>(_values.begin(), _values.end()));
    }
    // Everything up to the first run: configure (which builds the kernels), allocate, fill.
    // Throws a Failure where the library does not do this.
    void set_up(Backend &)
    {
        _input.describe(_layer.in_form());
        _output.describe(_layer.out_form());
        _layer.configure(_input, _output);
        _input.allocate();
        _output.allocate();
        _layer.fill();
        _input.write(_values);
    }
    void run()
    {
        _layer.run();
    }
    void describe(JsonObject &object) const
    {
        object.add("layer", _layer.function_name());
    }

private:
    LayerType          _layer;
    std::string        _tuner;
    Shape              _in, _out;
    std::vector<float> _values;
    Operand<Backend>   _input, _output;
};
} // namespace nntest
#endif
