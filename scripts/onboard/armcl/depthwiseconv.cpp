// depthwiseconv: convolution of each channel by itself.
#include "nntest/backend.h"
#include "nntest/functions/depthwiseconv.h"
#include "nntest/program.h"
#include "nntest/single.h"

int main()
{
    using Layer = nntest::ConvolutionLayer<nntest::Backend, nntest::DepthwiseConv>;
    return nntest::run_program<nntest::Single<nntest::Backend, Layer>>("depthwiseconv");
}
