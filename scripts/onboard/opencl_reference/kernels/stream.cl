/* stream: output = 2 * input, element by element.
 *
 * A work-item takes VECTORS vectors, one after the other where they lie side by side. Global size,
 * at least: (ceil(elements / (VECTOR * VECTORS))). VECTOR and VECTORS are build options. */
__kernel void stream(__global const float *restrict input, __global float *restrict output,
                     int elements)
{
    const int first = get_global_id(0) * (VECTOR * VECTORS);
    if (get_global_id(1) > 0 || get_global_id(2) > 0)
        return;
    const int last = min(first + VECTOR * VECTORS, elements);
    int i = first;
    for (; i + VECTOR <= last; i += VECTOR)
        VSTORE(2.0f * VLOAD(0, input + i), 0, output + i);
    for (; i < last; ++i)
        output[i] = 2.0f * input[i];
}
