// winogradconv: convolution by Winograd's transforms.
#include "nntest/backend.h"
#include "nntest/functions/winogradconv.h"
#include "nntest/program.h"
#include "nntest/single.h"

int main()
{
    using Layer = nntest::ConvolutionLayer<nntest::Backend, nntest::WinogradConv>;
    return nntest::run_program<nntest::Single<nntest::Backend, Layer>>("winogradconv");
}
