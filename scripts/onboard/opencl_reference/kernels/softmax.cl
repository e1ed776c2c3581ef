/* Softmax over the channels: each input less the largest of its pixel, raised to a power of e, and
 * divided by the sum of these.
 *
 * input, output [batch][channels][pixels]
 *
 * VECTOR is a build option. */

inline float largest_of(FLOATV values)
{
    float lane[VECTOR];
    VSTORE(values, 0, lane);
    float largest = lane[0];
    for (int i = 1; i < VECTOR; ++i)
        largest = fmax(largest, lane[i]);
    return largest;
}

inline float sum_of(FLOATV values)
{
    float lane[VECTOR];
    VSTORE(values, 0, lane);
    float sum = lane[0];
    for (int i = 1; i < VECTOR; ++i)
        sum += lane[i];
    return sum;
}

/* A single pixel, whose channels lie side by side: an image in a work-item. Global size, at least:
 * (1, batch). */
__kernel void softmax_row(__global const float *restrict input, __global float *restrict output,
                          int batch, int channels, int pixels)
{
    const int image = get_global_id(1);
    if (get_global_id(0) > 0 || image >= batch || get_global_id(2) > 0)
        return;

    __global const float *from = input + image * channels;
    __global float *to = output + image * channels;
    const int whole = channels / VECTOR * VECTOR;

    FLOATV largest_lanes = (FLOATV)(-INFINITY);
    for (int c = 0; c < whole; c += VECTOR)
        largest_lanes = fmax(largest_lanes, VLOAD(0, from + c));
    float largest = largest_of(largest_lanes);
    for (int c = whole; c < channels; ++c)
        largest = fmax(largest, from[c]);

    FLOATV sum_lanes = (FLOATV)(0.0f);
    for (int c = 0; c < whole; c += VECTOR) {
        const FLOATV power = exp(VLOAD(0, from + c) - (FLOATV)(largest));
        VSTORE(power, 0, to + c);
        sum_lanes += power;
    }
    float sum = sum_of(sum_lanes);
    for (int c = whole; c < channels; ++c) {
        to[c] = exp(from[c] - largest);
        sum += to[c];
    }

    for (int c = 0; c < whole; c += VECTOR)
        VSTORE(VLOAD(0, to + c) / (FLOATV)(sum), 0, to + c);
    for (int c = whole; c < channels; ++c)
        to[c] /= sum;
}

/* Many pixels: VECTOR of them in a work-item. Global size, at least:
 * (ceil(pixels / VECTOR), batch). */
__kernel void softmax_pixels(__global const float *restrict input, __global float *restrict output,
                             int batch, int channels, int pixels)
{
    const int first = get_global_id(0) * VECTOR;
    const int image = get_global_id(1);
    if (first >= pixels || image >= batch || get_global_id(2) > 0)
        return;

    __global const float *from = input + image * channels * pixels;
    __global float *to = output + image * channels * pixels;

    if (pixels < VECTOR) {
        for (int pixel = first; pixel < pixels; ++pixel) {
            float largest = -INFINITY;
            for (int c = 0; c < channels; ++c)
                largest = fmax(largest, from[c * pixels + pixel]);
            float sum = 0.0f;
            for (int c = 0; c < channels; ++c)
                sum += exp(from[c * pixels + pixel] - largest);
            for (int c = 0; c < channels; ++c)
                to[c * pixels + pixel] = exp(from[c * pixels + pixel] - largest) / sum;
        }
        return;
    }

    const int base = tile_base(first, pixels);
    FLOATV largest = (FLOATV)(-INFINITY);
    for (int c = 0; c < channels; ++c)
        largest = fmax(largest, VLOAD(0, from + c * pixels + base));
    FLOATV sum = (FLOATV)(0.0f);
    for (int c = 0; c < channels; ++c)
        sum += exp(VLOAD(0, from + c * pixels + base) - largest);
    for (int c = 0; c < channels; ++c)
        store_tile(to + c * pixels + base, exp(VLOAD(0, from + c * pixels + base) - largest) / sum,
                   first - base, VECTOR);
}
