// How to measure, whatever the operator: read from the environment.
//
// The CK_ variables are those that CK-NNTest hands its programs; the NNTEST_ ones are ours.
#ifndef NNTEST_SETTINGS_H
#define NNTEST_SETTINGS_H

#include "nntest/environment.h"
#include "nntest/half.h"
#include "nntest/shape.h"

#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace nntest
{
inline bool is_tuner(const std::string &name)
{
    return name == "NONE" || name == "DEFAULT" || name == "CUSTOM" || name == "BIFROST";
}

struct Settings
{
    std::string tuner;
    std::string tuner_mode;     // empty: not said
    std::string tuner_table;    // where what is found is kept
    std::string tuner_table_in; // CUSTOM: what an earlier run has kept
    int         seed;
    std::string dataset_filename;
    double      threshold;
    std::string raw_output;
    std::string kernel_folder;
    Element     element;
    bool        nhwc;
    int         repetitions;
    int         first_repetition;
    int         warmups;
    double      loop_s; // a repetition is as many runs as take this long; 0: one run
    double      rest_s; // how long each repetition waits before it begins
    int         threads; // how many the library is asked for; 0: its own number
    std::set<int> cores; // those that whoever started this process keeps it on; none: any
    bool        profile; // take down every kernel that is launched

    // CK_LWS_TUNER_TYPE may be the name of a choice, "SCHEDULE", where each layer has its own.
    static Settings from_environment(bool many_layers = false)
    {
        Settings settings;
        settings.tuner            = read_text("CK_LWS_TUNER_TYPE");
        settings.tuner_mode       = read_text("NNTEST_TUNER_MODE");
        settings.tuner_table      = read_text("NNTEST_TUNER_TABLE");
        settings.tuner_table_in   = read_text("NNTEST_TUNER_TABLE_IN");
        settings.seed             = read_integer("CK_SEED", 0, 42);
        settings.dataset_filename = read_text("CK_DATASET_FILENAME");
        settings.raw_output       = read_text("CK_OUT_RAW_DATA");
        settings.kernel_folder    = read_text("CK_ENV_LIB_ARMCL_CL_KERNELS");
        settings.repetitions      = read_integer("NNTEST_REPETITIONS", 1, 1);
        settings.first_repetition = read_integer("NNTEST_FIRST_REPETITION", 0, 0);
        settings.loop_s           = read_number("NNTEST_LOOP_S", 0);
        settings.rest_s           = read_number("NNTEST_REST_S", 0);
        settings.threads          = read_text("NNTEST_THREADS").empty() ? 0 : read_integer("NNTEST_THREADS", 1);
        settings.read_cores();
        settings.check_tuner(many_layers);
        settings.read_element();
        settings.read_layout();
        settings.check_device();
        settings.read_warmups();
        settings.read_profile();
        settings.read_threshold(many_layers);
        return settings;
    }

    const char *data_type() const
    {
        return element == Element::INT8 ? "int8" : element == Element::FP16 ? "fp16" : "fp32";
    }
    Element bias_element() const
    {
        return element == Element::INT8 ? Element::INT32 : element;
    }
    // How a tensor of images lies.
    Order order() const
    {
        return nhwc ? Order::NHWC : Order::NCHW;
    }
    // What numbers become when they are stored: the reference starts from these.  In int8 that
    // depends on the tensor: nntest/chain.h.
    std::vector<float> stored(std::vector<float> values) const
    {
        if(element == Element::FP16)
        {
            for(float &value : values)
            {
                value = from_half(to_half(value));
            }
        }
        return values;
    }

private:
    void check_tuner(bool many_layers)
    {
        tuner = tuner.empty() ? "NONE" : tuner;
        if(!is_tuner(tuner) && !(many_layers && tuner == "SCHEDULE"))
        {
            throw Failure::not_supported(shown("CK_LWS_TUNER_TYPE", tuner)
                                         + " is not supported; this program has NONE, DEFAULT, CUSTOM and BIFROST");
        }
        if(!tuner_mode.empty() && tuner_mode != "exhaustive" && tuner_mode != "normal" && tuner_mode != "rapid")
        {
            throw Failure::bad_value(shown("NNTEST_TUNER_MODE", tuner_mode)
                                     + " is none of exhaustive, normal, rapid");
        }
    }

    void read_cores()
    {
        const std::string text = read_text("NNTEST_CORES");
        std::stringstream parts(text);
        std::string       part;
        while(std::getline(parts, part, ','))
        {
            cores.insert(to_integer("NNTEST_CORES", stripped(part), 0));
        }
    }

    void read_profile()
    {
        const std::string wanted = read_text("NNTEST_PROFILE");
        if(!wanted.empty() && wanted != "none" && wanted != "kernels")
        {
            throw Failure::bad_value(shown("NNTEST_PROFILE", wanted) + " is neither 'kernels' nor 'none'");
        }
        profile = wanted == "kernels";
    }

    void read_element()
    {
        const std::string type = read_text("NNTEST_DATA_TYPE");
        if(!type.empty() && type != "fp32" && type != "fp16" && type != "int8")
        {
            throw Failure::not_supported(shown("NNTEST_DATA_TYPE", type)
                                         + " is not supported; this program has fp32, fp16 and int8");
        }
#if defined(ARMCL_VERSION) && ARMCL_VERSION < 1805
        if(type == "int8")
        {
            throw Failure::not_supported("NNTEST_DATA_TYPE='int8' is not supported before Arm Compute Library 18.05");
        }
#endif
        element = type == "int8" ? Element::INT8 : type == "fp16" ? Element::FP16 : Element::FP32;
    }

    // In int8 a layer's is in steps of its output, a network's in times of what other roundings
    // come to in it: nntest/chain.h.
    void read_threshold(bool many_layers)
    {
        const double largest = element == Element::INT8 ? (many_layers ? 2 : 1) : element == Element::FP16 ? 0.05 : 0.001;
        threshold            = read_number("CK_ABS_DIFF_THRESHOLD", largest);
    }

    void read_layout()
    {
        const std::string layout = read_text("CK_DATA_LAYOUT");
        if(!layout.empty() && layout != "NCHW" && layout != "NHWC")
        {
            throw Failure::not_supported(shown("CK_DATA_LAYOUT", layout)
                                         + " is not supported; this program has NCHW and NHWC");
        }
        nhwc = layout == "NHWC";
#if defined(ARMCL_VERSION) && ARMCL_VERSION < 1808
        if(nhwc)
        {
            throw Failure::not_supported("CK_DATA_LAYOUT='NHWC' is not supported before Arm Compute Library 18.08");
        }
#endif
    }

    static void check_device()
    {
        for(const char *name : { "CK_COMPUTE_PLATFORM_ID", "CK_COMPUTE_DEVICE_ID" })
        {
            if(read_integer(name, 0, 0) != 0)
            {
                throw Failure::not_supported(shown(name, read_text(name))
                                             + " is not supported; Arm Compute Library takes the first device");
            }
        }
    }

    // At least one, tuner or not, because a first run pays for what later ones find done.  The
    // 2018 programs warmed up only with DEFAULT and CUSTOM; tuner-only does as they did.
    void read_warmups()
    {
        const std::string policy = read_text("NNTEST_WARMUP");
        if(!policy.empty() && policy != "always" && policy != "tuner-only")
        {
            throw Failure::bad_value(shown("NNTEST_WARMUP", policy) + " is neither 'always' nor 'tuner-only'");
        }
        warmups = read_integer("NNTEST_WARMUPS", 1, 1);
        warmups = policy == "tuner-only" && (tuner == "NONE" || tuner == "BIFROST") ? 0 : warmups;
    }
};
} // namespace nntest
#endif
