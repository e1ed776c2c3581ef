// What the operators run on: make BACKEND=opencl, or BACKEND=neon.
#ifndef NNTEST_BACKEND_H
#define NNTEST_BACKEND_H

#if defined(NNTEST_BACKEND_NEON) == defined(NNTEST_BACKEND_OPENCL)
#error "say which backend this is for: -DNNTEST_BACKEND_OPENCL or -DNNTEST_BACKEND_NEON"
#endif

#ifdef NNTEST_BACKEND_NEON
#include "nntest/neon.h"
namespace nntest
{
using Backend = Neon;
}
#else
#include "nntest/opencl.h"
namespace nntest
{
using Backend = OpenCL;
}
#endif
#endif
