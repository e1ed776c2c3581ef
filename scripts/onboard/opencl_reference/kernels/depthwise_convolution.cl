/* depthwise_convolution: each channel with its own KERNEL x KERNEL filter.
 *
 * input   [planes][in_h][in_w], where planes = batch * channels
 * weights [channels][KERNEL][KERNEL]
 * bias    [channels]
 * output  [planes][out_h][out_w]
 *
 * A work-item computes ROWS x VECTOR pixels of one plane; every row of the input that it needs is
 * read once and added to all the output rows that it belongs to. Global size, at least:
 * (ceil(out_w / VECTOR), ceil(out_h / ROWS), planes). VECTOR, ROWS, KERNEL and STRIDE are build
 * options. */
__kernel void depthwise_convolution(__global const float *restrict input,
                                    __global const float *restrict weights,
                                    __global const float *restrict bias,
                                    __global float *restrict output, int planes, int channels,
                                    int in_h, int in_w, int out_h, int out_w, int pad_top,
                                    int pad_left)
{
    const int first = get_global_id(0) * VECTOR;
    const int first_row = get_global_id(1) * ROWS;
    const int plane = get_global_id(2);
    if (first >= out_w || first_row >= out_h || plane >= planes)
        return;

    const int channel = plane % channels;
    __global const float *filter = weights + channel * (KERNEL * KERNEL);
    FLOATV sum[ROWS];
    for (int i = 0; i < ROWS; ++i)
        sum[i] = (FLOATV)(bias[channel]);

    const int base = tile_base(first, out_w);
    const int left = base * STRIDE - pad_left;
    const int top = first_row * STRIDE - pad_top;
    __global const float *from = input + plane * in_h * in_w;

#pragma unroll
    for (int row = 0; row < (ROWS - 1) * STRIDE + KERNEL; ++row) {
        const int y = top + row;
        if (y < 0 || y >= in_h)
            continue;
#pragma unroll
        for (int kx = 0; kx < KERNEL; ++kx) {
            const FLOATV pixels = load_pixels(from + y * in_w, left + kx, in_w);
#pragma unroll
            for (int i = 0; i < ROWS; ++i) {
                const int ky = row - i * STRIDE;
                if (ky >= 0 && ky < KERNEL)
                    sum[i] += (FLOATV)(filter[ky * KERNEL + kx]) * pixels;
            }
        }
    }

    const int to = min(VECTOR, out_w - base);
    __global float *out = output + (plane * out_h + first_row) * out_w + base;
#pragma unroll
    for (int i = 0; i < ROWS; ++i)
        if (first_row + i < out_h)
            store_tile(out + i * out_w, sum[i], first - base, to);
}
