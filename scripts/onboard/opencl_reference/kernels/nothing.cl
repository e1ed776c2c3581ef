/* nothing: what is left of a kernel's time when there is no work in it. */
__kernel void nothing(int unused)
{
}
