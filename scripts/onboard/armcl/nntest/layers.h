// Every layer by its operator's name.
#ifndef NNTEST_LAYERS_H
#define NNTEST_LAYERS_H

#include "nntest/connected.h"
#include "nntest/functions/conv.h"
#include "nntest/functions/depthwiseconv.h"
#include "nntest/functions/directconv.h"
#include "nntest/functions/winogradconv.h"
#include "nntest/pool.h"
#include "nntest/softmax.h"

#include <memory>
#include <string>

namespace nntest
{
// Throws a Failure where there is no such operator, or its variables make no sense.
template <typename Backend>
std::unique_ptr<Layer<Backend>> make_layer(const std::string &name, const Settings &settings, const Variables &variables)
{
    Layer<Backend> *layer = nullptr;
    if(name == "conv")
    {
        layer = new ConvolutionLayer<Backend, Conv>(settings, variables);
    }
    else if(name == "directconv")
    {
        layer = new ConvolutionLayer<Backend, DirectConv>(settings, variables);
    }
    else if(name == "winogradconv")
    {
        layer = new ConvolutionLayer<Backend, WinogradConv>(settings, variables);
    }
    else if(name == "depthwiseconv")
    {
        layer = new ConvolutionLayer<Backend, DepthwiseConv>(settings, variables);
    }
    else if(name == "fullyconnected")
    {
        layer = new FullyConnected<Backend>(settings, variables);
    }
    else if(name == "avgpool")
    {
        layer = new AveragePool<Backend>(settings, variables);
    }
    else if(name == "maxpool")
    {
        layer = new MaxPool<Backend>(settings, variables);
    }
    else if(name == "softmax")
    {
        layer = new Softmax<Backend>(settings, variables);
    }
    else
    {
        throw Failure::not_supported("there is no operator '" + name + "'");
    }
    return std::unique_ptr<Layer<Backend>>(layer);
}
} // namespace nntest
#endif
