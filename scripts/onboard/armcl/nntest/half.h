// Half-precision numbers (IEEE 754 binary16) as their bits, and what a number becomes in them.
#ifndef NNTEST_HALF_H
#define NNTEST_HALF_H

#include <cstdint>
#include <cstring>

namespace nntest
{
// Rounded to the nearest, ties to even; too large becomes infinity.
inline uint16_t to_half(float value)
{
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    const uint16_t sign      = static_cast<uint16_t>(bits >> 16 & 0x8000);
    const uint32_t magnitude = bits & 0x7fffffff;
    if(magnitude > 0x7f800000)
    {
        return static_cast<uint16_t>(sign | 0x7e00); // NaN
    }
    if(magnitude >= 0x477ff000) // 65520, half way from the largest half to the next power of 2
    {
        return static_cast<uint16_t>(sign | 0x7c00);
    }
    const int exponent = static_cast<int>(magnitude >> 23) - 127;
    if(exponent < -25)
    {
        return sign;
    }
    // The significand with its leading 1, and how many of its bits a half has no room for: 13,
    // and one more for every power of 2 below the smallest normal number.
    const uint32_t significand = (magnitude & 0x7fffff) | 0x800000;
    const int      dropped     = exponent < -14 ? -1 - exponent : 13;
    const uint32_t kept        = significand >> dropped;
    const uint32_t rest        = significand & ((1u << dropped) - 1);
    const uint32_t half_way    = 1u << (dropped - 1);
    const uint32_t up          = rest > half_way || (rest == half_way && (kept & 1) != 0) ? 1 : 0;
    // The leading 1 of a normal number adds one to the exponent; so does a carry.
    const uint32_t base = exponent < -14 ? 0 : static_cast<uint32_t>(exponent + 14) << 10;
    return static_cast<uint16_t>(sign | (base + kept + up));
}

inline float from_half(uint16_t half)
{
    const uint32_t sign        = static_cast<uint32_t>(half & 0x8000) << 16;
    const uint32_t exponent    = half >> 10 & 0x1f;
    const uint32_t significand = half & 0x3ff;
    if(exponent == 0)
    {
        const float magnitude = static_cast<float>(significand) / 16777216.0f; // 2^-24
        return sign != 0 ? -magnitude : magnitude;
    }
    const uint32_t bits = sign | (exponent == 31 ? 0x7f800000 : (exponent + 112) << 23) | significand << 13;
    float          value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}
} // namespace nntest
#endif
