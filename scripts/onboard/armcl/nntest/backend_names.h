// What the library calls its functions on a backend: CLPoolingLayer or NEPoolingLayer.
#ifndef NNTEST_BACKEND_NAMES_H
#define NNTEST_BACKEND_NAMES_H

#define NNTEST_JOINED_(a, b) a##b
#define NNTEST_JOINED(a, b) NNTEST_JOINED_(a, b)
#define NNTEST_TEXT_(name) #name
#define NNTEST_TEXT(name) NNTEST_TEXT_(name)

#ifdef NNTEST_BACKEND_NEON
#define NNTEST_PREFIX NE
#define NNTEST_FOLDER NEON
#else
#define NNTEST_PREFIX CL
#define NNTEST_FOLDER CL
#endif

// The class, its name as a text, and its header.
#define NNTEST_CLASS(name) arm_compute::NNTEST_JOINED(NNTEST_PREFIX, name)
#define NNTEST_CLASS_NAME(name) NNTEST_TEXT(NNTEST_JOINED(NNTEST_PREFIX, name))
#define NNTEST_HEADER(name) NNTEST_TEXT(arm_compute/runtime/NNTEST_FOLDER/functions/NNTEST_JOINED(NNTEST_PREFIX, name).h)

#endif
