// Reads numbers and words from the environment; what cannot be read is a Failure that names the
// variable and its value.
#ifndef NNTEST_ENVIRONMENT_H
#define NNTEST_ENVIRONMENT_H

#include "nntest/failure.h"

#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <string>

namespace nntest
{
// A variable's value without blanks around it; empty if it is not set.
inline std::string read_text(const char *name)
{
    const char       *set   = std::getenv(name);
    const std::string text  = set != nullptr ? set : "";
    const size_t      first = text.find_first_not_of(" \t\r\n");
    return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

inline std::string shown(const char *name, const std::string &text)
{
    return std::string(name) + "='" + text + "'";
}

const int LARGEST_INTEGER = 1 << 30;

inline int to_integer(const char *name, const std::string &text, int least)
{
    char *end   = nullptr;
    errno       = 0;
    const long value = std::strtol(text.c_str(), &end, 10);
    if(text.empty() || *end != '\0')
    {
        throw Failure::bad_value(shown(name, text) + " is not an integer");
    }
    if(errno != 0 || value < least || value > LARGEST_INTEGER)
    {
        throw Failure::bad_value(shown(name, text) + " is not from " + std::to_string(least) + " to "
                                 + std::to_string(LARGEST_INTEGER));
    }
    return static_cast<int>(value);
}

// A variable that must be set.
inline int read_integer(const char *name, int least)
{
    const std::string text = read_text(name);
    if(text.empty())
    {
        throw Failure::bad_value(std::string(name) + " is not set; it must be an integer of at least "
                                 + std::to_string(least));
    }
    return to_integer(name, text, least);
}

inline int read_integer(const char *name, int least, int default_value)
{
    const std::string text = read_text(name);
    return text.empty() ? default_value : to_integer(name, text, least);
}

// A finite number of at least 0.
inline double read_number(const char *name, double default_value)
{
    const std::string text = read_text(name);
    if(text.empty())
    {
        return default_value;
    }
    char        *end   = nullptr;
    const double value = std::strtod(text.c_str(), &end);
    if(*end != '\0' || !std::isfinite(value) || value < 0)
    {
        throw Failure::bad_value(shown(name, text) + " is not a finite number of at least 0");
    }
    return value;
}
} // namespace nntest
#endif
