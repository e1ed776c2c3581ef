// The 8-bit integers of a tensor, and the numbers that they stand for: scale * (integer - zero)
// (Jacob et al., CVPR 2018, arXiv:1712.05877); chosen as frameworks/integers.py and quantise.py do.
#ifndef NNTEST_INTEGERS_H
#define NNTEST_INTEGERS_H

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace nntest
{
struct Integers
{
    int least, most;
};
// Of activations (QASYMM8), and of weights, which have 7 bits as quantise.py says why: those with a
// scale for each output channel (QSYMM8_PER_CHANNEL), and others (QASYMM8).
const Integers ACTIVATIONS = { 0, 255 }, SYMMETRIC_WEIGHTS = { -64, 64 }, WEIGHTS = { 64, 192 };

struct Steps
{
    Integers integers;
    float    scale;
    int      zero;

    // The finest that have the numbers from `low` to `high`, and 0.
    static Steps covering(double low, double high, const Integers &integers)
    {
        low               = std::min(low, 0.0);
        high              = std::max(high, 0.0);
        const float scale = not_zero((high - low) / (integers.most - integers.least));
        const Steps free  = { integers, scale, 0 };
        return Steps{ integers, scale, free.within(integers.least - low / scale) };
    }
    template <typename Number>
    static Steps covering(const std::vector<Number> &numbers, const Integers &integers)
    {
        const auto ends = std::minmax_element(numbers.begin(), numbers.end());
        return covering(*ends.first, *ends.second, integers);
    }
    // Without a zero point.
    static Steps symmetric(const float *from, const float *to, const Integers &integers)
    {
        float largest = 0;
        for(const float *at = from; at != to; ++at)
        {
            largest = std::max(largest, std::fabs(*at));
        }
        return Steps{ integers, not_zero(static_cast<double>(largest) / integers.most), 0 };
    }

    // The nearest one.
    int integer(double number) const
    {
        return within(std::rint(number / scale) + zero);
    }
    double number(int integer) const
    {
        return static_cast<double>(integer - zero) * scale;
    }
    // Without the zero point, as sums of products are made of them.
    std::vector<double> distances(const std::vector<double> &numbers) const
    {
        std::vector<double> distances;
        for(const double number : numbers)
        {
            distances.push_back(integer(number) - zero);
        }
        return distances;
    }
    // The number of the nearest one.
    double nearest(double value) const
    {
        return number(integer(value));
    }

private:
    int within(double value) const
    {
        return static_cast<int>(std::min<double>(std::max<double>(std::rint(value), integers.least), integers.most));
    }
    // 1 for the scale of a tensor that is all zero.
    static float not_zero(double scale)
    {
        const float single = static_cast<float>(scale);
        return single > 0 ? single : 1;
    }
};
} // namespace nntest
#endif
