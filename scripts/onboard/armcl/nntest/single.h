// One layer, as `Program` measures it.
#ifndef NNTEST_SINGLE_H
#define NNTEST_SINGLE_H

#include "nntest/chain.h"
#include "nntest/layer.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

namespace nntest
{
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
    // What goes in and what has to come out.
    const Chain<Layer<Backend>> &draw(const Settings &settings)
    {
        _chain.draw({ &_layer }, settings);
        return _chain;
    }
    // Everything up to the first run: configure (which builds the kernels), allocate, fill.
    // Throws a Failure where the library does not do this.
    void set_up(Backend &)
    {
        _input.describe(_layer.in_form(), _chain.steps(0));
        _output.describe(_layer.out_form(), _chain.steps(1));
        _layer.configure(_input, _output);
        _input.allocate();
        _output.allocate();
        _layer.fill();
        _input.write(_chain.input());
    }
    void run()
    {
        _layer.run();
    }
    void describe(JsonObject &object) const
    {
        object.add("layer", _layer.function_name());
        add_integers<Backend>(object, _layer, _output);
    }

private:
    LayerType             _layer;
    std::string           _tuner;
    Shape                 _in, _out;
    Chain<Layer<Backend>> _chain;
    Operand<Backend>      _input, _output;
};
} // namespace nntest
#endif
