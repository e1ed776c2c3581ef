// network: the layers of a whole network with their data flow.
#include "nntest/backend.h"
#include "nntest/network.h"
#include "nntest/program.h"

int main()
{
    return nntest::run_program<nntest::Network<nntest::Backend>>("network");
}
