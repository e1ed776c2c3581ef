/* fully_connected: output = weights x input + bias, for each image.
 *
 * input   [batch][depth]
 * weights [ceil(outputs / VECTOR)][depth][VECTOR]: the matrix [outputs][depth] in panels of VECTOR
 *         outputs, zeros below the last, so that a step along the depth is one contiguous load
 * bias    [ceil(outputs / VECTOR) * VECTOR]
 * output  [batch][outputs]
 *
 * A work-item computes a panel's outputs for IMAGES images, so that each weight is read once for
 * all of them. It adds up PARTS interleaved parts of the depth apart: so many multiply-adds do not
 * wait for each other. Global size, at least: (ceil(outputs / VECTOR), ceil(batch / IMAGES)).
 * VECTOR, IMAGES and PARTS are build options. */
__kernel void fully_connected(__global const float *restrict input,
                              __global const float *restrict weights,
                              __global const float *restrict bias, __global float *restrict output,
                              int batch, int depth, int outputs)
{
    const int first = get_global_id(0) * VECTOR;
    const int image = get_global_id(1) * IMAGES;
    if (first >= outputs || image >= batch || get_global_id(2) > 0)
        return;

    /* Images after the last one repeat it and are not stored. */
    __global const float *from[IMAGES];
    FLOATV sum[IMAGES][PARTS];
    for (int i = 0; i < IMAGES; ++i) {
        from[i] = input + min(image + i, batch - 1) * depth;
        for (int part = 0; part < PARTS; ++part)
            sum[i][part] = part == 0 ? VLOAD(0, bias + first) : (FLOATV)(0.0f);
    }
    __global const float *panel = weights + first * depth;
    const int whole = depth / PARTS * PARTS;
    for (int k = 0; k < whole; k += PARTS)
#pragma unroll
        for (int part = 0; part < PARTS; ++part) {
            const FLOATV column = VLOAD(k + part, panel);
#pragma unroll
            for (int i = 0; i < IMAGES; ++i)
                sum[i][part] += column * (FLOATV)(from[i][k + part]);
        }
    for (int k = whole; k < depth; ++k)
        for (int i = 0; i < IMAGES; ++i)
            sum[i][0] += VLOAD(k, panel) * (FLOATV)(from[i][k]);

    for (int i = 0; i < IMAGES; ++i) {
        for (int part = 1; part < PARTS; ++part)
            sum[i][0] += sum[i][part];
        if (image + i < batch)
            store_tile(output + (image + i) * outputs + first, sum[i][0], 0,
                       min(VECTOR, outputs - first));
    }
}
