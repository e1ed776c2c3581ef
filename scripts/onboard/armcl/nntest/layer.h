// A layer of Arm Compute Library, whichever it is and on whichever backend.
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

#include <memory>
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
    // Choose the integers of the weights, and of the output, whose steps are returned: `exact` is
    // the answer before any output is rounded.  What has no weights keeps its input's.
    virtual Steps quantise(const Steps &source, const std::vector<double> &)
    {
        return source;
    }
    // The right answer of the integers, before it is rounded to one; `input` has their numbers.
    virtual std::vector<double> expected_of_integers(const std::vector<double> &input) const
    {
        return expected(input);
    }
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
    // The library's type of the weights; null where there are none.
    virtual Json weights_type() const
    {
        return json_null();
    }
    // The library's class that does it.
    const char *function_name() const
    {
        return _function.function ? _function.name : "";
    }

protected:
    Function _function = { nullptr, "" };
};

// Adds, in int8, what the library calls the integers of a layer.
template <typename Backend>
void add_integers(JsonObject &object, const Layer<Backend> &layer, const Operand<Backend> &output)
{
    if(output.form().element == Element::INT8)
    {
        object.add("integers", JsonObject()
                                   .add("activations", output.type_name())
                                   .add("weights", layer.weights_type())
                                   .done());
    }
}
} // namespace nntest
#endif
