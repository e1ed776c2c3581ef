// directconv: convolution that sums over the input where it lies.
#include "nntest/backend.h"
#include "nntest/functions/directconv.h"
#include "nntest/program.h"
#include "nntest/single.h"

int main()
{
    using Layer = nntest::ConvolutionLayer<nntest::Backend, nntest::DirectConv>;
    return nntest::run_program<nntest::Single<nntest::Backend, Layer>>("directconv");
}
