// softmax: softmax over the channels.
#include "nntest/backend.h"
#include "nntest/softmax.h"
#include "nntest/program.h"
#include "nntest/single.h"

int main()
{
    using Layer = nntest::Softmax<nntest::Backend>;
    return nntest::run_program<nntest::Single<nntest::Backend, Layer>>("softmax");
}
