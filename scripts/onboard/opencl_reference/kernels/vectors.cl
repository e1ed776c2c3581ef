/* What the tiled kernels share: one vector of VECTOR floats (4, 8 or 16, a build option) is the
 * width of a tile, and a tile is BLOCK rows (output channels) high.
 *
 * The kernels write a * b + c, which OpenCL's compilers contract to one instruction where there is
 * one: PoCL calls a function for each element of a vector in mad() and fma(), at a ninth of the
 * speed. */

#define BLOCK 4

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define FLOATV JOIN(float, VECTOR)
#define VLOAD JOIN(vload, VECTOR)
#define VSTORE JOIN(vstore, VECTOR)

/* Where the tile of VECTOR elements that begins at `first` is read from. The last tile of a row is
 * moved to the left so that it ends where the row ends: its loads then stay inside the row. A row
 * shorter than one tile begins at 0. */
inline int tile_base(int first, int length)
{
    return max(min(first, length - VECTOR), 0);
}

/* Writes the elements from <= i < to of a tile. A moved tile leaves out those that belong to its
 * left neighbour, so that no two work-items ever write one element. */
inline void store_tile(__global float *row, FLOATV tile, int from, int to)
{
    if (from == 0 && to == VECTOR) {
        VSTORE(tile, 0, row);
        return;
    }
    float lane[VECTOR];
    VSTORE(tile, 0, lane);
    for (int i = from; i < to; ++i)
        row[i] = lane[i];
}
