// A network as a list of layers, read from the file that NNTEST_NETWORK names.
#ifndef NNTEST_NETWORK_FILE_H
#define NNTEST_NETWORK_FILE_H

#include "nntest/environment.h"
#include "nntest/json_reader.h"
#include "nntest/settings.h"

#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace nntest
{
struct NetworkLayer
{
    std::string                        name, operator_name, tuner;
    std::map<std::string, std::string> variables; // the layer's point, as an operator program's environment has it

    std::string where() const
    {
        return "layer '" + name + "' (" + operator_name + ")";
    }
};

struct NetworkFile
{
    std::string               name;
    std::vector<NetworkLayer> layers;

    // `tuner`: that of the layers which name none.  Every layer gets CK_IN_SHAPE_N of this process.
    // Throws a Failure for a file that cannot be read, or is no network.
    static NetworkFile from_environment(const std::string &tuner)
    {
        const char *const variable = "NNTEST_NETWORK";
        const std::string path     = read_text(variable);
        if(path.empty())
        {
            throw Failure::bad_value(std::string(variable) + " is not set; it names the JSON file of the network's layers");
        }
        std::ifstream file(path);
        if(!file.is_open())
        {
            throw Failure::bad_value(shown(variable, path) + " cannot be read");
        }
        std::ostringstream content;
        content << file.rdbuf();
        try
        {
            return from(JsonReader::read(content.str()), tuner);
        }
        catch(const JsonError &error)
        {
            throw Failure::bad_value(shown(variable, path) + " is no network: " + error.what());
        }
    }

private:
    static NetworkFile from(const JsonValue &tree, const std::string &tuner)
    {
        NetworkFile network;
        network.name             = text_of(tree, "network", "the file");
        const JsonValue *const l = tree.find("layers");
        if(l == nullptr || l->kind != JsonValue::LIST || l->items.empty())
        {
            throw JsonError("\"layers\" is no list of layers");
        }
        for(const JsonValue &entry : l->items)
        {
            const std::string where = "layer " + std::to_string(network.layers.size() + 1);
            NetworkLayer      layer;
            layer.name          = text_of(entry, "name", where);
            layer.operator_name = text_of(entry, "operator", where);
            layer.tuner         = entry.find("tuner") != nullptr ? text_of(entry, "tuner", where) : tuner;
            layer.variables     = variables_of(entry, where);
            if(!is_tuner(layer.tuner))
            {
                throw JsonError(where + ": \"tuner\" is '" + layer.tuner + "', none of NONE, DEFAULT, CUSTOM, BIFROST");
            }
            network.layers.push_back(layer);
        }
        return network;
    }

    static std::string text_of(const JsonValue &object, const char *key, const std::string &where)
    {
        const JsonValue *const found = object.find(key);
        if(found == nullptr || found->kind != JsonValue::TEXT || found->text.empty())
        {
            throw JsonError(where + " has no \"" + key + "\", or it is no text");
        }
        return found->text;
    }

    static std::map<std::string, std::string> variables_of(const JsonValue &layer, const std::string &where)
    {
        const JsonValue *const found = layer.find("env");
        if(found == nullptr || found->kind != JsonValue::OBJECT)
        {
            throw JsonError(where + " has no \"env\", or it is no object");
        }
        std::map<std::string, std::string> variables;
        for(const auto &member : found->members)
        {
            if(member.second.kind != JsonValue::TEXT && member.second.kind != JsonValue::NUMBER)
            {
                throw JsonError(where + ": " + member.first + " is neither a text nor a number");
            }
            variables[member.first] = member.second.text;
        }
        variables["CK_IN_SHAPE_N"] = read_text("CK_IN_SHAPE_N");
        return variables;
    }
};
} // namespace nntest
#endif
