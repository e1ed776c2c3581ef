// avgpool: average of each window.
#include "nntest/backend.h"
#include "nntest/pool.h"
#include "nntest/program.h"
#include "nntest/single.h"

int main()
{
    using Layer = nntest::AveragePool<nntest::Backend>;
    return nntest::run_program<nntest::Single<nntest::Backend, Layer>>("avgpool");
}
