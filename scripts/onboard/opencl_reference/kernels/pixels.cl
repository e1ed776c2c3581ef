/* How a tile's pixels of the input are read: VECTOR and STRIDE are build options. */

/* How many neighbouring elements the fast load below touches. */
#if STRIDE == 1
#define SPAN VECTOR
#elif STRIDE == 2 && VECTOR <= 8
#define SPAN (2 * VECTOR)
#else
#define SPAN ((VECTOR - 1) * STRIDE + 1)
#endif

/* The VECTOR elements x, x + STRIDE, ... of one input row; `outside` where not 0 <= x < width. */
inline FLOATV load_pixels_or(__global const float *row, int x, int width, float outside)
{
    if (x >= 0 && x + SPAN <= width) {
#if STRIDE == 1
        return VLOAD(0, row + x);
#elif STRIDE == 2 && VECTOR == 4
        return vload8(0, row + x).even;
#elif STRIDE == 2 && VECTOR == 8
        return vload16(0, row + x).even;
#else
        float lane[VECTOR];
        for (int i = 0; i < VECTOR; ++i)
            lane[i] = row[x + i * STRIDE];
        return VLOAD(0, lane);
#endif
    }
    float lane[VECTOR];
    for (int i = 0; i < VECTOR; ++i) {
        const int at = x + i * STRIDE;
        lane[i] = at >= 0 && at < width ? row[at] : outside;
    }
    return VLOAD(0, lane);
}

inline FLOATV load_pixels(__global const float *row, int x, int width)
{
    return load_pixels_or(row, x, width, 0.0f);
}
