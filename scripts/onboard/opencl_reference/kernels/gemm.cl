/* gemm: output = weights x columns + bias, once for each image.
 *
 * weights [ceil(rows / BLOCK)][depth][BLOCK]: the matrix [rows][depth] in panels of BLOCK rows,
 *         zeros below the last row, so that a step along the depth is one contiguous load
 *         and `weights_step` elements from one image's matrix to the next one's; 0: one for all
 * columns [batch][depth][width]
 * bias    [ceil(rows / BLOCK) * BLOCK]
 * output  [batch][rows][width]
 *
 * A work-item computes a tile of BLOCK rows x VECTOR columns in registers. Global size, at least:
 * (ceil(width / VECTOR), ceil(rows / BLOCK), batch). VECTOR is a build option. */
__kernel void gemm(__global const float *restrict weights, __global const float *restrict columns,
                   __global const float *restrict bias, __global float *restrict output,
                   int batch, int rows, int depth, int width, int weights_step)
{
    const int first = get_global_id(0) * VECTOR;
    const int row = get_global_id(1) * BLOCK;
    const int image = get_global_id(2);
    if (first >= width || row >= rows || image >= batch)
        return;

    __global const float *panel = weights + image * weights_step + row * depth;
    __global const float *right = columns + image * depth * width;
    __global float *out = output + (image * rows + row) * width;
    const float4 start = vload4(0, bias + row);
    const int height = min(rows - row, BLOCK);

    if (width < VECTOR) {
        /* A matrix narrower than a tile: a column at a time, with the vector along the rows. */
        for (int column = first; column < width; ++column) {
            float4 sum = start;
            for (int k = 0; k < depth; ++k)
                sum += vload4(k, panel) * (float4)(right[k * width + column]);
            float lane[BLOCK];
            vstore4(sum, 0, lane);
            for (int i = 0; i < height; ++i)
                out[i * width + column] = lane[i];
        }
        return;
    }

    const int base = tile_base(first, width);
    FLOATV sum0 = (FLOATV)(start.s0);
    FLOATV sum1 = (FLOATV)(start.s1);
    FLOATV sum2 = (FLOATV)(start.s2);
    FLOATV sum3 = (FLOATV)(start.s3);
    __global const float *next = right + base;
    for (int k = 0; k < depth; ++k) {
        const float4 left = vload4(k, panel);
        const FLOATV b = VLOAD(0, next);
        next += width;
        sum0 += (FLOATV)(left.s0) * b;
        sum1 += (FLOATV)(left.s1) * b;
        sum2 += (FLOATV)(left.s2) * b;
        sum3 += (FLOATV)(left.s3) * b;
    }

    out += base;
    store_tile(out, sum0, first - base, VECTOR);
    if (height > 1)
        store_tile(out + width, sum1, first - base, VECTOR);
    if (height > 2)
        store_tile(out + 2 * width, sum2, first - base, VECTOR);
    if (height > 3)
        store_tile(out + 3 * width, sum3, first - base, VECTOR);
}
