// Writes JSON: values are put together as text, in the order in which they are added.
#ifndef NNTEST_JSON_H
#define NNTEST_JSON_H

#include <cmath>
#include <cstdio>
#include <string>
#include <type_traits>
#include <vector>

namespace nntest
{
// A piece of JSON, whole in itself.
struct Json
{
    std::string text;
};

inline Json json(const std::string &value)
{
    std::string quoted = "\"";
    for(const char character : value)
    {
        const unsigned char code = static_cast<unsigned char>(character);
        if(character == '"' || character == '\\')
        {
            quoted += '\\';
            quoted += character;
        }
        else if(code < 0x20)
        {
            char escaped[8];
            std::snprintf(escaped, sizeof escaped, "\\u%04x", code);
            quoted += escaped;
        }
        else
        {
            quoted += character;
        }
    }
    return Json{ quoted + "\"" };
}

inline Json json(const char *value)
{
    return json(std::string(value));
}

inline Json json(bool value)
{
    return Json{ value ? "true" : "false" };
}

// JSON knows neither NaN nor infinity: they become null.
inline Json json(double value)
{
    char text[40] = "null";
    if(std::isfinite(value))
    {
        std::snprintf(text, sizeof text, "%.9g", value);
    }
    return Json{ text };
}

template <typename Integer, typename = typename std::enable_if<std::is_integral<Integer>::value>::type>
Json json(Integer value)
{
    return Json{ std::to_string(value) };
}

inline Json json(const Json &value)
{
    return value;
}

inline Json json_null()
{
    return Json{ "null" };
}

template <typename Value>
Json json_list(const std::vector<Value> &values)
{
    std::string text;
    for(const Value &value : values)
    {
        text += (text.empty() ? "" : ", ") + json(value).text;
    }
    return Json{ "[" + text + "]" };
}

class JsonObject
{
public:
    template <typename Value>
    JsonObject &add(const std::string &key, const Value &value)
    {
        _text += (_text.empty() ? "" : ", ") + json(key).text + ": " + json(value).text;
        return *this;
    }
    Json done() const
    {
        return Json{ "{" + _text + "}" };
    }

private:
    std::string _text;
};
} // namespace nntest
#endif
