// fullyconnected: fully connected layer.
#include "nntest/backend.h"
#include "nntest/connected.h"
#include "nntest/program.h"
#include "nntest/single.h"

int main()
{
    using Layer = nntest::FullyConnected<nntest::Backend>;
    return nntest::run_program<nntest::Single<nntest::Backend, Layer>>("fullyconnected");
}
