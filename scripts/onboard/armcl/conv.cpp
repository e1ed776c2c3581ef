// conv: convolution by unfolding the input (im2col) and a matrix product (GEMM).
#include "nntest/backend.h"
#include "nntest/functions/conv.h"
#include "nntest/program.h"
#include "nntest/single.h"

int main()
{
    using Layer = nntest::ConvolutionLayer<nntest::Backend, nntest::Conv>;
    return nntest::run_program<nntest::Single<nntest::Backend, Layer>>("conv");
}
