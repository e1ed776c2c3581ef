/* Winograd's minimal filtering F(4x4, 3x3): a tile of 4 x 4 outputs from 6 x 6 inputs.
 *
 * The transform of a tile's input d is B^T d B, that of its products m is A^T m A, with the
 * matrices of Lavin and Gray 2016 (arXiv:1509.09308), section 4.3; each is applied to the columns
 * and then to the rows. */

#define SIDE 6
#define TILE 4

inline void transform_input(const float d[SIDE], float t[SIDE])
{
    t[0] = 4.0f * d[0] - 5.0f * d[2] + d[4];
    t[1] = (d[4] - 4.0f * d[2]) + (d[3] - 4.0f * d[1]);
    t[2] = (d[4] - 4.0f * d[2]) - (d[3] - 4.0f * d[1]);
    t[3] = (d[4] - d[2]) + 2.0f * (d[3] - d[1]);
    t[4] = (d[4] - d[2]) - 2.0f * (d[3] - d[1]);
    t[5] = 4.0f * d[1] - 5.0f * d[3] + d[5];
}

inline void transform_output(const float m[SIDE], float o[TILE])
{
    const float sum12 = m[1] + m[2], less12 = m[1] - m[2];
    const float sum34 = m[3] + m[4], less34 = m[3] - m[4];
    o[0] = m[0] + sum12 + sum34;
    o[1] = less12 + 2.0f * less34;
    o[2] = sum12 + 4.0f * sum34;
    o[3] = less12 + 8.0f * less34 + m[5];
}

/* input       [batch][channels][in_h][in_w]
 * transformed [36][channels][batch][high][wide], where high x wide tiles cover an output
 *
 * A tile in a work-item. Global size, at least: (wide, high, batch * channels). */
__kernel void winograd_input(__global const float *restrict input,
                             __global float *restrict transformed, int batch, int channels,
                             int in_h, int in_w, int high, int wide, int pad_top, int pad_left)
{
    const int tile_x = get_global_id(0);
    const int tile_y = get_global_id(1);
    const int image = get_global_id(2) / channels;
    const int channel = get_global_id(2) % channels;
    if (tile_x >= wide || tile_y >= high || image >= batch)
        return;

    __global const float *from = input + (image * channels + channel) * in_h * in_w;
    const int top = tile_y * TILE - pad_top;
    const int left = tile_x * TILE - pad_left;
    float rows[SIDE][SIDE]; /* [row][column] of d B */
    for (int i = 0; i < SIDE; ++i) {
        const int y = top + i;
        float d[SIDE];
        for (int j = 0; j < SIDE; ++j) {
            const int x = left + j;
            const bool inside = y >= 0 && y < in_h && x >= 0 && x < in_w;
            d[j] = inside ? from[y * in_w + x] : 0.0f;
        }
        transform_input(d, rows[i]);
    }

    const int tiles = batch * high * wide;
    __global float *to = transformed + channel * tiles + (image * high + tile_y) * wide + tile_x;
    for (int j = 0; j < SIDE; ++j) {
        float d[SIDE], t[SIDE];
        for (int i = 0; i < SIDE; ++i)
            d[i] = rows[i][j];
        transform_input(d, t);
        for (int i = 0; i < SIDE; ++i)
            to[(i * SIDE + j) * channels * tiles] = t[i];
    }
}

/* products [36][out_channels][batch][high][wide]
 * bias     [out_channels]
 * output   [batch][out_channels][out_h][out_w]
 *
 * A tile in a work-item. Global size, at least: (wide, high, batch * out_channels). */
__kernel void winograd_output(__global const float *restrict products,
                              __global const float *restrict bias, __global float *restrict output,
                              int batch, int out_channels, int out_h, int out_w, int high, int wide)
{
    const int tile_x = get_global_id(0);
    const int tile_y = get_global_id(1);
    const int image = get_global_id(2) / out_channels;
    const int channel = get_global_id(2) % out_channels;
    if (tile_x >= wide || tile_y >= high || image >= batch)
        return;

    const int tiles = batch * high * wide;
    __global const float *from =
        products + channel * tiles + (image * high + tile_y) * wide + tile_x;
    float rows[SIDE][TILE]; /* [row][column] of m A */
    for (int i = 0; i < SIDE; ++i) {
        float m[SIDE];
        for (int j = 0; j < SIDE; ++j)
            m[j] = from[(i * SIDE + j) * out_channels * tiles];
        transform_output(m, rows[i]);
    }

    const int first_y = tile_y * TILE, first_x = tile_x * TILE;
    __global float *to = output + (image * out_channels + channel) * out_h * out_w;
    for (int j = 0; j < TILE; ++j) {
        float m[SIDE], o[TILE];
        for (int i = 0; i < SIDE; ++i)
            m[i] = rows[i][j];
        transform_output(m, o);
        if (first_x + j < out_w)
            for (int i = 0; i < TILE; ++i)
                if (first_y + i < out_h)
                    to[(first_y + i) * out_w + first_x + j] = o[i] + bias[channel];
    }
}
