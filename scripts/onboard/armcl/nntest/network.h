// A network: its layers one after the other in one process, each one's output the next one's input,
// which never leaves the device.
#ifndef NNTEST_NETWORK_H
#define NNTEST_NETWORK_H

#include "nntest/backend_names.h"
#include "nntest/chain.h"
#include "nntest/layers.h"
#include "nntest/network_file.h"

#include NNTEST_HEADER(ReshapeLayer)

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace nntest
{
template <typename BackendType>
class Network
{
public:
    using Backend                 = BackendType;
    static const bool MANY_LAYERS = true;

    // Throws a Failure that names the layer where one does not take what the one before it gives.
    explicit Network(const Settings &settings)
        : _file(NetworkFile::from_environment(settings.tuner))
    {
        for(const NetworkLayer &entry : _file.layers)
        {
            Step step;
            try
            {
                step.layer = make_layer<Backend>(entry.operator_name, settings, Variables::of(entry.variables));
                if(!_steps.empty())
                {
                    step.reshapes = needs_reshape(_steps.back().layer->out_form(), *step.layer);
                }
            }
            catch(const Failure &failure)
            {
                throw failure.in(entry.where());
            }
            step.output.reset(new Operand<Backend>());
            step.reshaped.reset(new Operand<Backend>());
            _steps.push_back(std::move(step));
        }
        _in  = _steps.front().layer->in_form().shape;
        _out = _steps.back().layer->out_form().shape;
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
        return *_steps.back().output;
    }
    std::set<std::string> tuners() const
    {
        std::set<std::string> names;
        for(const NetworkLayer &entry : _file.layers)
        {
            names.insert(entry.tuner);
        }
        return names;
    }
    // Throws a Failure where the tensors that go in and out of the layers cannot fit.
    void check_memory(const Backend &backend) const
    {
        double largest = 0, total = 0;
        const auto count = [&](double bytes) {
            largest = std::max(largest, bytes);
            total += bytes;
        };
        count(_steps.front().layer->in_form().bytes());
        for(const Step &step : _steps)
        {
            count(step.layer->out_form().bytes());
            for(const double bytes : step.layer->parameter_bytes())
            {
                count(bytes);
            }
        }
        backend.check_memory(largest, total);
    }
    // What goes in and what has to come out.
    const Chain<Layer<Backend>> &draw(const Settings &settings)
    {
        std::vector<Layer<Backend> *> layers;
        for(const Step &step : _steps)
        {
            layers.push_back(step.layer.get());
        }
        _chain.draw(layers, settings);
        return _chain;
    }
    void set_up(Backend &backend)
    {
        _backend = &backend;
        _input.describe(_steps.front().layer->in_form(), _chain.steps(0));
        Operand<Backend> *given = &_input;
        for(size_t i = 0; i < _steps.size(); ++i)
        {
            Step &step = _steps[i];
            backend.use_tuner(_file.layers[i].tuner);
            try
            {
                if(step.reshapes)
                {
                    step.reshaped->describe(step.layer->in_form(), _chain.steps(i));
                    step.reshape = make_plain<NNTEST_CLASS(ReshapeLayer)>(NNTEST_CLASS_NAME(ReshapeLayer), given->tensor,
                                                                          step.reshaped->tensor);
                    given = step.reshaped.get();
                }
                step.output->describe(step.layer->out_form(), _chain.steps(i + 1));
                step.layer->configure(*given, *step.output);
            }
            catch(const Failure &failure)
            {
                throw failure.in(_file.layers[i].where());
            }
            given = step.output.get();
        }
        _input.allocate();
        for(Step &step : _steps)
        {
            if(step.reshapes)
            {
                step.reshaped->allocate();
            }
            step.output->allocate();
        }
        for(Step &step : _steps)
        {
            step.layer->fill();
        }
        _input.write(_chain.input());
    }
    void run()
    {
        for(size_t i = 0; i < _steps.size(); ++i)
        {
            _backend->use_tuner(_file.layers[i].tuner);
            if(_steps[i].reshapes)
            {
                _steps[i].reshape.function->run();
            }
            _steps[i].layer->run();
        }
    }
    void describe(JsonObject &object) const
    {
        std::vector<Json> layers;
        for(size_t i = 0; i < _steps.size(); ++i)
        {
            const NetworkLayer &entry = _file.layers[i];
            JsonObject          layer;
            layer.add("name", entry.name)
                .add("operator", entry.operator_name)
                .add("tuner", entry.tuner)
                .add("layer", _steps[i].layer->function_name())
                .add("reshaped", _steps[i].reshapes);
            add_integers<Backend>(layer, *_steps[i].layer, *_steps[i].output);
            layers.push_back(layer.done());
        }
        object.add("network", _file.name).add("layers", json_list(layers));
    }

private:
    struct Step
    {
        std::unique_ptr<Layer<Backend>>   layer;
        std::unique_ptr<Operand<Backend>> output;
        std::unique_ptr<Operand<Backend>> reshaped; // the input, where it is the output before in another shape
        bool                              reshapes = false;
        Function                          reshape  = { nullptr, "" };
    };

    // A layer takes the output before it as it is, or in the shape of its input, if that is a
    // vector: then the elements follow each other as they did.
    static bool needs_reshape(const Form &given, const Layer<Backend> &layer)
    {
        if(layer.takes(given))
        {
            return false;
        }
        const Form  wanted = layer.in_form();
        const Shape &to    = wanted.shape;
        if(!(given.shape == to) && (to.h * to.w != 1 || given.shape.n != to.n || given.shape.elements() != to.elements()))
        {
            throw Failure::not_supported("it takes " + to.text() + " (NCHW), and the layer before it gives "
                                         + given.shape.text());
        }
        if(!given.same_sequence(wanted))
        {
            throw Failure::not_supported("it takes its input with its channels in another place than the layer before "
                                         "it gives them");
        }
        return true;
    }

    NetworkFile           _file;
    Shape                 _in  = { 1, 1, 1, 1 };
    Shape                 _out = { 1, 1, 1, 1 };
    Operand<Backend>      _input;
    std::vector<Step>     _steps;
    Chain<Layer<Backend>> _chain;
    Backend              *_backend = nullptr;
};
} // namespace nntest
#endif
