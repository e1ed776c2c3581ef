/* im2col: unfolds each image into the matrix whose columns are the receptive fields.
 *
 * input   [batch][channels][in_h][in_w]
 * columns [batch][channels * KERNEL * KERNEL][out_h * out_w]; 0 where a field lies in the padding
 *
 * A work-item writes one output pixel's KERNEL x KERNEL elements of one channel. Global size, at
 * least: (out_h * out_w, channels, batch). KERNEL and STRIDE are build options. */
__kernel void im2col(__global const float *restrict input, __global float *restrict columns,
                     int batch, int channels, int in_h, int in_w, int out_h, int out_w,
                     int pad_top, int pad_left)
{
    const int pixel = get_global_id(0);
    const int channel = get_global_id(1);
    const int image = get_global_id(2);
    const int pixels = out_h * out_w;
    if (pixel >= pixels || channel >= channels || image >= batch)
        return;

    const int top = (pixel / out_w) * STRIDE - pad_top;
    const int left = (pixel % out_w) * STRIDE - pad_left;
    const int plane = image * channels + channel;
    __global const float *from = input + plane * in_h * in_w;
    __global float *to = columns + plane * (KERNEL * KERNEL) * pixels + pixel;

    for (int ky = 0; ky < KERNEL; ++ky) {
        const int y = top + ky;
        for (int kx = 0; kx < KERNEL; ++kx) {
            const int x = left + kx;
            const bool inside = y >= 0 && y < in_h && x >= 0 && x < in_w;
            to[(ky * KERNEL + kx) * pixels] = inside ? from[y * in_w + x] : 0.0f;
        }
    }
}
