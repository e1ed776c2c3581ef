// Compares an output with the right one, element by element.
#ifndef NNTEST_OUTPUT_CHECK_H
#define NNTEST_OUTPUT_CHECK_H

#include "nntest/json.h"
#include "nntest/shape.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

namespace nntest
{
struct OutputCheck
{
    double      max_abs_diff = 0;
    double      threshold    = 0;
    size_t      wrong        = 0;
    size_t      missing      = 0; // NaN: not written, or not computed from anything that was
    std::string worst;

    bool ok() const
    {
        return wrong == 0;
    }
    Json as_json() const
    {
        return JsonObject().add("ok", ok()).add("max_abs_diff", max_abs_diff).add("threshold", threshold).done();
    }
    std::string explanation(size_t elements) const
    {
        char text[200];
        std::snprintf(text, sizeof text,
                      "%zu of %zu elements differ from the reference by more than %g, %zu of them are NaN; the worst is ",
                      wrong, elements, threshold, missing);
        return text + worst;
    }
};

// Where all that is expected is smaller than 1 (a softmax's shares of a thousand classes), the
// threshold is as much smaller: else nothing at all would pass for right.
inline double tolerance_of_floats(double threshold, const std::vector<double> &expected)
{
    double largest = 0;
    for(const double value : expected)
    {
        largest = std::max(largest, std::fabs(value));
    }
    return threshold * std::min(largest, 1.0);
}

// Every |output - expected| must be at most the tolerance; both in NCHW order.
inline OutputCheck check_output(const std::vector<float> &output, const std::vector<double> &expected,
                                const Shape &shape, double tolerance)
{
    OutputCheck check;
    check.threshold = tolerance;
    size_t at       = 0;
    for(size_t i = 0; i < output.size(); ++i)
    {
        const double difference = std::fabs(output[i] - expected[i]);
        check.missing += std::isnan(difference) ? 1 : 0;
        check.wrong += difference <= tolerance ? 0 : 1;
        if(difference > check.max_abs_diff || (std::isnan(difference) && !std::isnan(check.max_abs_diff)))
        {
            check.max_abs_diff = difference;
            at                 = i;
        }
    }
    const size_t plane = static_cast<size_t>(shape.h) * shape.w;
    char         text[160];
    std::snprintf(text, sizeof text, "at [%zu, %zu, %zu, %zu]: %g instead of %g", at / plane / shape.c,
                  at / plane % shape.c, at / shape.w % shape.h, at % shape.w, output[at], expected[at]);
    check.worst = text;
    return check;
}
} // namespace nntest
#endif
