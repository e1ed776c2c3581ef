// Numbers from a seed, the same on every machine.
#ifndef NNTEST_RANDOM_H
#define NNTEST_RANDOM_H

#include <cstddef>
#include <random>
#include <vector>

namespace nntest
{
class Random
{
public:
    explicit Random(int seed)
        : _engine(static_cast<std::mt19937::result_type>(seed))
    {
    }
    // `count` numbers, uniform from [-scale, scale).  Made from the upper 24 bits by hand: the
    // standard says what the engine draws, but not what its distributions make of it.
    std::vector<float> uniform(size_t count, double scale = 1.0)
    {
        std::vector<float> values(count);
        for(float &value : values)
        {
            value = static_cast<float>(scale * ((_engine() >> 8) / 8388608.0 - 1.0));
        }
        return values;
    }

private:
    std::mt19937 _engine;
};
} // namespace nntest
#endif
