// Which Arm Compute Library this is: ARMCL_VERSION, e.g. 1805, comes from the compiler's options.
#ifndef NNTEST_VERSION_H
#define NNTEST_VERSION_H

#include "nntest/json.h"

#ifndef ARMCL_VERSION
#error "say which Arm Compute Library this is: -DARMCL_VERSION=1805 for 18.05"
#endif

#if ARMCL_VERSION >= 2005
#include "arm_compute/core/Version.h"
#else
#include "arm_compute/core/Utils.h"
#endif

#include <cstdio>
#include <string>

namespace nntest
{
// The version that this was compiled for, and what the library that runs says of itself.
inline Json library_state()
{
    char version[16];
    std::snprintf(version, sizeof version, "%d.%02d", ARMCL_VERSION / 100, ARMCL_VERSION % 100);
    return JsonObject().add("version", version).add("build", arm_compute::build_information()).done();
}
} // namespace nntest
#endif
