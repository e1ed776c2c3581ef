// Reads numbers and words from the environment, or from variables that a file names instead; what
// cannot be read is a Failure that names the variable and its value.
#ifndef NNTEST_ENVIRONMENT_H
#define NNTEST_ENVIRONMENT_H

#include "nntest/failure.h"

#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <map>
#include <string>

namespace nntest
{
inline std::string stripped(const std::string &text)
{
    const size_t first = text.find_first_not_of(" \t\r\n");
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

// A finite number of at least 0.
inline double to_number(const char *name, const std::string &text)
{
    char        *end   = nullptr;
    const double value = std::strtod(text.c_str(), &end);
    if(text.empty() || *end != '\0' || !std::isfinite(value) || value < 0)
    {
        throw Failure::bad_value(shown(name, text) + " is not a finite number of at least 0");
    }
    return value;
}

// Where variables come from: the environment of this process, or a map that stands in its place.
class Variables
{
public:
    static Variables environment()
    {
        return Variables(true, {});
    }
    static Variables of(const std::map<std::string, std::string> &values)
    {
        return Variables(false, values);
    }

    // A variable's value without blanks around it; empty if it is not set.
    std::string text(const char *name) const
    {
        if(_from_process)
        {
            const char *set = std::getenv(name);
            return stripped(set != nullptr ? set : "");
        }
        const auto found = _values.find(name);
        return found == _values.end() ? "" : stripped(found->second);
    }
    // A variable that must be set.
    int integer(const char *name, int least) const
    {
        const std::string set = text(name);
        if(set.empty())
        {
            throw Failure::bad_value(std::string(name) + " is not set; it must be an integer of at least "
                                     + std::to_string(least));
        }
        return to_integer(name, set, least);
    }
    int integer(const char *name, int least, int default_value) const
    {
        const std::string set = text(name);
        return set.empty() ? default_value : to_integer(name, set, least);
    }
    double number(const char *name, double default_value) const
    {
        const std::string set = text(name);
        return set.empty() ? default_value : to_number(name, set);
    }
    // 0 or 1.
    bool flag(const char *name, bool default_value) const
    {
        const int value = integer(name, 0, default_value ? 1 : 0);
        if(value > 1)
        {
            throw Failure::bad_value(shown(name, text(name)) + " is neither 0 nor 1");
        }
        return value == 1;
    }

private:
    Variables(bool from_process, const std::map<std::string, std::string> &values)
        : _from_process(from_process), _values(values)
    {
    }

    bool                               _from_process;
    std::map<std::string, std::string> _values;
};

// The same from this process's environment.
inline std::string read_text(const char *name)
{
    return Variables::environment().text(name);
}
inline int read_integer(const char *name, int least)
{
    return Variables::environment().integer(name, least);
}
inline int read_integer(const char *name, int least, int default_value)
{
    return Variables::environment().integer(name, least, default_value);
}
inline double read_number(const char *name, double default_value)
{
    return Variables::environment().number(name, default_value);
}
} // namespace nntest
#endif
