/* direct_convolution: every output element is summed from the input as it lies in memory.
 *
 * input   [batch][channels][in_h][in_w]
 * weights [out_channels][channels][KERNEL][KERNEL], not reshaped
 * bias    [out_channels]
 * output  [batch][out_channels][out_h][out_w]
 *
 * A work-item computes VECTOR neighbouring pixels of one output row for BLOCK output channels.
 * Global size, at least: (ceil(out_w / VECTOR), out_h, batch * ceil(out_channels / BLOCK)).
 * VECTOR, KERNEL and STRIDE are build options. */

__kernel void direct_convolution(__global const float *restrict input,
                                 __global const float *restrict weights,
                                 __global const float *restrict bias,
                                 __global float *restrict output, int batch, int channels,
                                 int in_h, int in_w, int out_channels, int out_h, int out_w,
                                 int pad_top, int pad_left)
{
    const int blocks = (out_channels + BLOCK - 1) / BLOCK;
    const int first = get_global_id(0) * VECTOR;
    const int out_y = get_global_id(1);
    const int image = get_global_id(2) / blocks;
    const int channel = (get_global_id(2) % blocks) * BLOCK;
    if (first >= out_w || out_y >= out_h || image >= batch)
        return;

    /* Rows of the block that lie below the last output channel repeat it and are not stored. */
    const int last = out_channels - 1;
    const int filter = channels * KERNEL * KERNEL;
    __global const float *filter0 = weights + channel * filter;
    __global const float *filter1 = weights + min(channel + 1, last) * filter;
    __global const float *filter2 = weights + min(channel + 2, last) * filter;
    __global const float *filter3 = weights + min(channel + 3, last) * filter;
    FLOATV sum0 = (FLOATV)(bias[channel]);
    FLOATV sum1 = (FLOATV)(bias[min(channel + 1, last)]);
    FLOATV sum2 = (FLOATV)(bias[min(channel + 2, last)]);
    FLOATV sum3 = (FLOATV)(bias[min(channel + 3, last)]);

    const int base = tile_base(first, out_w);
    const int left = base * STRIDE - pad_left;
    const int top = out_y * STRIDE - pad_top;
    __global const float *plane = input + image * channels * in_h * in_w;
    for (int c = 0; c < channels; ++c) {
        for (int ky = 0; ky < KERNEL; ++ky) {
            const int y = top + ky;
            if (y < 0 || y >= in_h)
                continue;
            for (int kx = 0; kx < KERNEL; ++kx) {
                const FLOATV pixels = load_pixels(plane + y * in_w, left + kx, in_w);
                const int tap = (c * KERNEL + ky) * KERNEL + kx;
                sum0 += (FLOATV)(filter0[tap]) * pixels;
                sum1 += (FLOATV)(filter1[tap]) * pixels;
                sum2 += (FLOATV)(filter2[tap]) * pixels;
                sum3 += (FLOATV)(filter3[tap]) * pixels;
            }
        }
        plane += in_h * in_w;
    }

    const int to = min(VECTOR, out_w - base);
    const int size = out_h * out_w;
    __global float *out = output + (image * out_channels + channel) * size + out_y * out_w + base;
    store_tile(out, sum0, first - base, to);
    if (channel + 1 < out_channels)
        store_tile(out + size, sum1, first - base, to);
    if (channel + 2 < out_channels)
        store_tile(out + 2 * size, sum2, first - base, to);
    if (channel + 3 < out_channels)
        store_tile(out + 3 * size, sum3, first - base, to);
}
