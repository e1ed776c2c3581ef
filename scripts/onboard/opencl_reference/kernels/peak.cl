/* peak: chains of multiply-adds that never leave the registers.
 *
 * numbers multiplier and addend, which the compiler must not know
 * output  [items * VECTOR]
 *
 * Element i starts from (i % STARTS) / STARTS, each of its chains a little off, symmetrically, and
 * makes STEPS steps; what is written is the chains' mean. VECTOR, CHAINS (even), STEPS and STARTS
 * are build options; with HALF it computes in half precision. Global size, at least: (items). */

#ifdef HALF
#pragma OPENCL EXTENSION cl_khr_fp16 : enable
#define REAL half
#else
#define REAL float
#endif

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#if VECTOR == 1
#define REALV REAL
#define TO_FLOAT(x) ((float)(x))
#define STORE(x, i, to) ((to)[i] = (x))
#else
#define REALV JOIN(REAL, VECTOR)
#define TO_FLOAT(x) JOIN(convert_float, VECTOR)(x)
#define STORE JOIN(vstore, VECTOR)
#endif

__kernel void peak(__global const float *restrict numbers, __global float *restrict output,
                   int items)
{
    const int item = get_global_id(0);
    if (item >= items || get_global_id(1) > 0 || get_global_id(2) > 0)
        return;

    const REALV multiplier = (REALV)((REAL)numbers[0]);
    const REALV addend = (REALV)((REAL)numbers[1]);
    REAL lane[VECTOR];
    for (int i = 0; i < VECTOR; ++i)
        lane[i] = (REAL)((float)((item * VECTOR + i) % STARTS) / STARTS);
#if VECTOR == 1
    const REALV start = lane[0];
#else
    const REALV start = JOIN(vload, VECTOR)(0, lane);
#endif

    REALV chain[CHAINS];
#pragma unroll
    for (int c = 0; c < CHAINS; ++c)
        chain[c] = start + (REALV)((REAL)((2 * c + 1 - CHAINS) / (2.0f * CHAINS)));
    for (int step = 0; step < STEPS; ++step)
#pragma unroll
        for (int c = 0; c < CHAINS; ++c)
            chain[c] = chain[c] * multiplier + addend;

    REALV sum = chain[0];
#pragma unroll
    for (int c = 1; c < CHAINS; ++c)
        sum += chain[c];
    STORE(TO_FLOAT(sum) * (1.0f / CHAINS), item, output);
}
