/* Pooling: the mean, or with LARGEST the largest element, of each KERNEL x KERNEL window.
 *
 * input  [planes][in_h][in_w], where planes = batch * channels
 * output [planes][out_h][out_w]
 *
 * A mean counts padding as zeros unless EXCLUDE_PADDING is defined; the largest is never padding.
 * VECTOR, KERNEL and STRIDE are build options. */

#ifdef LARGEST
#define START -INFINITY
#define ADD(sum, value) fmax(sum, value)
#else
#define START 0.0f
#define ADD(sum, value) ((sum) + (value))
#endif

/* VECTOR neighbouring pixels of a row in a work-item. Global size, at least:
 * (ceil(out_w / VECTOR), out_h, planes). */
__kernel void pool_tiles(__global const float *restrict input, __global float *restrict output,
                         int planes, int in_h, int in_w, int out_h, int out_w, int pad_top,
                         int pad_left)
{
    const int first = get_global_id(0) * VECTOR;
    const int out_y = get_global_id(1);
    const int plane = get_global_id(2);
    if (first >= out_w || out_y >= out_h || plane >= planes)
        return;

    const int base = tile_base(first, out_w);
    const int left = base * STRIDE - pad_left;
    const int top = out_y * STRIDE - pad_top;
    __global const float *from = input + plane * in_h * in_w;
    FLOATV sum = (FLOATV)(START);
    for (int y = max(top, 0); y < min(top + KERNEL, in_h); ++y)
        for (int kx = 0; kx < KERNEL; ++kx)
            sum = ADD(sum, load_pixels_or(from + y * in_w, left + kx, in_w, START));
#ifndef LARGEST
    sum /= (FLOATV)(KERNEL * KERNEL);
#endif
    store_tile(output + (plane * out_h + out_y) * out_w + base, sum, first - base,
               min(VECTOR, out_w - base));
}

/* One pixel in a work-item. Global size, at least: (out_w, out_h, planes). */
__kernel void pool_pixels(__global const float *restrict input, __global float *restrict output,
                          int planes, int in_h, int in_w, int out_h, int out_w, int pad_top,
                          int pad_left)
{
    const int out_x = get_global_id(0);
    const int out_y = get_global_id(1);
    const int plane = get_global_id(2);
    if (out_x >= out_w || out_y >= out_h || plane >= planes)
        return;

    const int top = max(out_y * STRIDE - pad_top, 0);
    const int left = max(out_x * STRIDE - pad_left, 0);
    const int bottom = min(out_y * STRIDE - pad_top + KERNEL, in_h);
    const int right = min(out_x * STRIDE - pad_left + KERNEL, in_w);
    __global const float *from = input + plane * in_h * in_w;
    float sum = START;
    for (int y = top; y < bottom; ++y)
        for (int x = left; x < right; ++x)
            sum = ADD(sum, from[y * in_w + x]);
#if !defined(LARGEST) && defined(EXCLUDE_PADDING)
    sum /= (bottom - top) * (right - left);
#elif !defined(LARGEST)
    sum /= KERNEL * KERNEL;
#endif
    output[(plane * out_h + out_y) * out_w + out_x] = sum;
}
