// How to measure, whatever the operator: read from the environment.
//
// The CK_ variables are those that CK-NNTest hands its programs; the NNTEST_ ones are ours.
#ifndef NNTEST_SETTINGS_H
#define NNTEST_SETTINGS_H

#include "nntest/environment.h"

#include <string>

namespace nntest
{
struct Settings
{
    std::string tuner;
    std::string tuner_mode; // empty: not said
    std::string tuner_table;
    int         seed;
    std::string dataset_filename;
    double      threshold;
    std::string raw_output;
    std::string kernel_folder;
    int         repetitions;
    int         first_repetition;
    int         warmups;

    bool tuning() const
    {
        return tuner != "NONE";
    }

    static Settings from_environment()
    {
        Settings settings;
        settings.tuner            = read_text("CK_LWS_TUNER_TYPE");
        settings.tuner_mode       = read_text("NNTEST_TUNER_MODE");
        settings.tuner_table      = read_text("NNTEST_TUNER_TABLE");
        settings.seed             = read_integer("CK_SEED", 0, 42);
        settings.dataset_filename = read_text("CK_DATASET_FILENAME");
        settings.threshold        = read_number("CK_ABS_DIFF_THRESHOLD", 0.001);
        settings.raw_output       = read_text("CK_OUT_RAW_DATA");
        settings.kernel_folder    = read_text("CK_ENV_LIB_ARMCL_CL_KERNELS");
        settings.repetitions      = read_integer("NNTEST_REPETITIONS", 1, 1);
        settings.first_repetition = read_integer("NNTEST_FIRST_REPETITION", 0, 0);
        settings.check_tuner();
        settings.check_what_is_fixed();
        settings.read_warmups();
        return settings;
    }

private:
    void check_tuner()
    {
        tuner = tuner.empty() ? "NONE" : tuner;
        if(tuner != "NONE" && tuner != "DEFAULT")
        {
            throw Failure::not_supported(shown("CK_LWS_TUNER_TYPE", tuner)
                                         + " is not supported; this program has NONE and DEFAULT");
        }
        if(!tuner_mode.empty() && tuner_mode != "exhaustive" && tuner_mode != "normal" && tuner_mode != "rapid")
        {
            throw Failure::bad_value(shown("NNTEST_TUNER_MODE", tuner_mode)
                                     + " is none of exhaustive, normal, rapid");
        }
    }

    static void check_what_is_fixed()
    {
        const std::string layout = read_text("CK_DATA_LAYOUT");
        if(!layout.empty() && layout != "NCHW")
        {
            throw Failure::not_supported(shown("CK_DATA_LAYOUT", layout) + " is not supported; this program has NCHW");
        }
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
    // 2018 programs warmed up only with the tuner on; tuner-only does as they did.
    void read_warmups()
    {
        const std::string policy = read_text("NNTEST_WARMUP");
        if(!policy.empty() && policy != "always" && policy != "tuner-only")
        {
            throw Failure::bad_value(shown("NNTEST_WARMUP", policy) + " is neither 'always' nor 'tuner-only'");
        }
        warmups = read_integer("NNTEST_WARMUPS", 1, 1);
        warmups = policy == "tuner-only" && !tuning() ? 0 : warmups;
    }
};
} // namespace nntest
#endif
