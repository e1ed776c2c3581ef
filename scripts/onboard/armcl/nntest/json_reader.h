// Reads JSON: a whole text into a tree; what is no JSON is told with its line.
#ifndef NNTEST_JSON_READER_H
#define NNTEST_JSON_READER_H

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace nntest
{
class JsonError : public std::runtime_error
{
public:
    using std::runtime_error::runtime_error;
};

struct JsonValue
{
    enum Kind
    {
        NOTHING, // null
        BOOLEAN,
        NUMBER,
        TEXT,
        LIST,
        OBJECT
    };
    Kind                                           kind = NOTHING;
    std::string                                    text; // of a text its content, else as it is written
    std::vector<JsonValue>                         items;
    std::vector<std::pair<std::string, JsonValue>> members; // in the order of the file

    // A member of an object; null where there is none.
    const JsonValue *find(const std::string &key) const
    {
        for(const auto &member : members)
        {
            if(member.first == key)
            {
                return &member.second;
            }
        }
        return nullptr;
    }
};

class JsonReader
{
public:
    // Throws a JsonError where the text is not one JSON value.
    static JsonValue read(const std::string &text)
    {
        JsonReader      reader(text);
        const JsonValue value = reader.value(0);
        reader.skip_blanks();
        if(reader._at != text.size())
        {
            reader.fail("something follows its end");
        }
        return value;
    }

private:
    explicit JsonReader(const std::string &text)
        : _text(text)
    {
    }

    [[noreturn]] void fail(const std::string &what) const
    {
        const size_t here = std::min(_at, _text.size());
        const long   line = 1 + std::count(_text.begin(), _text.begin() + static_cast<long>(here), '\n');
        throw JsonError("line " + std::to_string(line) + ": " + what);
    }
    void skip_blanks()
    {
        _at = std::min(_text.find_first_not_of(" \t\r\n", _at), _text.size());
    }
    // The next character that is no blank; 0 at the end.
    char next()
    {
        skip_blanks();
        return _at < _text.size() ? _text[_at] : '\0';
    }
    bool take(char character)
    {
        const bool there = next() == character && _at < _text.size();
        _at += there ? 1 : 0;
        return there;
    }
    bool take_word(const char *word)
    {
        const bool there = _text.compare(_at, std::strlen(word), word) == 0;
        _at += there ? std::strlen(word) : 0;
        return there;
    }

    JsonValue value(int depth)
    {
        const int DEEPEST = 50;
        if(depth > DEEPEST)
        {
            fail("too many lists and objects inside each other");
        }
        JsonValue result;
        const char first = next();
        if(first == '{')
        {
            result.kind = JsonValue::OBJECT;
            object(result, depth);
        }
        else if(first == '[')
        {
            result.kind = JsonValue::LIST;
            list(result, depth);
        }
        else if(first == '"')
        {
            result.kind = JsonValue::TEXT;
            result.text = string();
        }
        else if(take_word("true") || take_word("false"))
        {
            result.kind = JsonValue::BOOLEAN;
            result.text = first == 't' ? "true" : "false";
        }
        else if(!take_word("null"))
        {
            result.kind = JsonValue::NUMBER;
            result.text = number();
        }
        return result;
    }

    void object(JsonValue &into, int depth)
    {
        ++_at;
        if(take('}'))
        {
            return;
        }
        do
        {
            if(next() != '"')
            {
                fail("a key in quotes is missing");
            }
            const std::string key = string();
            if(!take(':'))
            {
                fail("a colon is missing after \"" + key + "\"");
            }
            if(into.find(key) != nullptr)
            {
                fail("\"" + key + "\" is there twice");
            }
            into.members.emplace_back(key, value(depth + 1));
        } while(take(','));
        if(!take('}'))
        {
            fail("a comma or } is missing");
        }
    }

    void list(JsonValue &into, int depth)
    {
        ++_at;
        if(take(']'))
        {
            return;
        }
        do
        {
            into.items.push_back(value(depth + 1));
        } while(take(','));
        if(!take(']'))
        {
            fail("a comma or ] is missing");
        }
    }

    std::string number()
    {
        const size_t end  = std::min(_text.find_first_not_of("+-.0123456789eE", _at), _text.size());
        std::string  text = _text.substr(_at, end - _at);
        char        *rest = nullptr;
        std::strtod(text.c_str(), &rest);
        if(text.empty() || *rest != '\0' || text[0] == '+' || text[0] == '.')
        {
            fail("a value is missing, or is none");
        }
        _at = end;
        return text;
    }

    std::string string()
    {
        std::string result;
        for(++_at; _at < _text.size() && _text[_at] != '"'; ++_at)
        {
            const char character = _text[_at];
            if(static_cast<unsigned char>(character) < 0x20)
            {
                break;
            }
            if(character == '\\')
            {
                ++_at;
                escaped(result);
            }
            else
            {
                result += character;
            }
        }
        if(_at >= _text.size() || _text[_at] != '"')
        {
            fail("a text does not end");
        }
        ++_at;
        return result;
    }

    void escaped(std::string &into)
    {
        static const char names[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
        const char        name  = _at < _text.size() ? _text[_at] : '\0';
        const char *const known = name != '\0' ? std::strchr(names, name) : nullptr;
        if(known != nullptr)
        {
            into += meant[known - names];
            return;
        }
        if(name != 'u')
        {
            fail("an unknown escape in a text");
        }
        unsigned long code = four_digits();
        if(code >= 0xd800 && code < 0xdc00 && _text.compare(_at + 1, 2, "\\u") == 0)
        {
            _at += 2;
            code = 0x10000 + ((code - 0xd800) << 10) + ((four_digits() - 0xdc00) & 0x3ff);
        }
        append_utf8(into, code);
    }
    // Of the escape whose `u` it stands on; leaves it on the last of the digits.
    unsigned long four_digits()
    {
        const std::string digits = _text.substr(std::min(_at + 1, _text.size()), 4);
        if(digits.size() != 4 || digits.find_first_not_of("0123456789abcdefABCDEF") != std::string::npos)
        {
            fail("an unknown escape in a text");
        }
        _at += 4;
        return std::strtoul(digits.c_str(), nullptr, 16);
    }
    static void append_utf8(std::string &into, unsigned long code)
    {
        if(code < 0x80)
        {
            into += static_cast<char>(code);
            return;
        }
        const int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
        into += static_cast<char>((0xff << (7 - more) & 0xff) | code >> (6 * more));
        for(int shift = 6 * (more - 1); shift >= 0; shift -= 6)
        {
            into += static_cast<char>(0x80 | (code >> shift & 0x3f));
        }
    }

    const std::string &_text;
    size_t             _at = 0;
};
} // namespace nntest
#endif
