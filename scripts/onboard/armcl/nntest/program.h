// Measures one operator at one point: set-up, warm-up (in which the tuner searches), then the
// timed repetitions, each with its output checked; and turns what goes wrong into an exit status.
#ifndef NNTEST_PROGRAM_H
#define NNTEST_PROGRAM_H

#include "nntest/disturbance.h"
#include "nntest/failure.h"
#include "nntest/json.h"
#include "nntest/loop.h"
#include "nntest/output_check.h"
#include "nntest/records.h"
#include "nntest/settings.h"
#include "nntest/threads.h"
#include "nntest/version.h"

#include <cstdio>
#include <new>
#include <string>
#include <vector>

namespace nntest
{
template <typename Operator>
class Program
{
public:
    explicit Program(const char *name)
        : _name(name), _settings(Settings::from_environment(Operator::MANY_LAYERS)), _operator(_settings),
          _backend(_settings, _operator.tuners())
    {
    }

    void measure()
    {
        _operator.check_memory(_backend);
        const auto &chain = _operator.draw(_settings);
        _expected         = chain.expected();
        _tolerance        = chain.tolerance(_settings.threshold, _expected);

        const Stopwatch set_up;
        _operator.set_up(_backend);
        _backend.finish();
        _set_up_s = set_up.seconds();

        _backend.enter("warmup");
        const Stopwatch warm_up;
        for(int i = 0; i < _settings.warmups; ++i)
        {
            _operator.run();
            _backend.finish();
        }
        _warm_up_s = warm_up.seconds();
        _backend.settle();
        count_threads();
        const double first_s = repeat();
        write_json(TIMER_FILE, JsonObject()
                                   .add("execution_time_kernel_0", _set_up_s)
                                   .add("execution_time_kernel_1", first_s)
                                   .add("run_time_state", state(first_s).done())
                                   .done());
    }

private:
    using Backend = typename Operator::Backend;

    // In further runs, where threads or cores are an axis of the study and the point warms up.
    void count_threads()
    {
        if((_settings.threads > 0 || !_settings.cores.empty()) && _settings.warmups > 0)
        {
            _threads_used = threads_used([this] {
                _operator.run();
                _backend.finish();
            });
        }
    }

    // Time and check the repetitions; the seconds of the first.  The output is spoilt before each,
    // so that elements that it does not write are not taken for the warm-up's.
    double repeat()
    {
        double first_s = 0;
        _backend.enter("run");
        for(int i = 0; i < _settings.repetitions; ++i)
        {
            const int  index = _settings.first_repetition + i;
            const Rest rest(_settings.rest_s);
            _operator.output().spoil(_expected);
            _backend.finish();
            if(_settings.loop_s > 0)
            {
                // What was checked and cleared since the last run has displaced its data from the
                // caches, and its threads sleep: in a row of runs neither is so.
                _operator.run();
                _backend.finish();
            }
            const std::string started_at = utc_now();
            Watch             watch;
            const Loop        loop(_settings.loop_s, [this] {
                _operator.run();
                _backend.finish();
            });
            const double      taken_s     = loop.seconds_a_run();
            const Json        disturbance = watch.stop();
            check_cores(watch.cores(), _settings);
            _operator.output().read(_output);
            const OutputCheck check = check_output(_output, _expected, _operator.out_shape(), _tolerance);
            if(!check.ok())
            {
                write_raw();
                throw Failure::wrong_output("repetition " + std::to_string(index) + ": "
                                            + check.explanation(_output.size()));
            }
            JsonObject run_state = state(taken_s);
            run_state.add("disturbance", disturbance);
            if(_settings.loop_s > 0)
            {
                run_state.add("loop", loop.described(rest));
            }
            JsonObject record;
            record.add("repetition", index)
                .add("execution_time_kernel_0", _set_up_s)
                .add("execution_time_kernel_1", taken_s)
                .add("tuning_s", _backend.tuning_s())
                .add("run_time_state", run_state.done())
                .add("started_at", started_at)
                .add("output_check", check.as_json());
            _backend.add_kernels(record);
            append_repetition(record.done());
            first_s = i == 0 ? taken_s : first_s;
        }
        write_raw();
        return first_s;
    }

    JsonObject state(double taken_s) const
    {
        const Shape &in = _operator.in_shape(), &out = _operator.out_shape();
        JsonObject   object;
        object.add("in_shape_N", in.n)
            .add("in_shape_C", in.c)
            .add("in_shape_H", in.h)
            .add("in_shape_W", in.w)
            .add("out_shape_N", out.n)
            .add("out_shape_C", out.c)
            .add("out_shape_H", out.h)
            .add("out_shape_W", out.w)
            .add("operator", _name)
            .add("dataset_filename", _settings.dataset_filename)
            .add("data_bits", 8 * bytes_of(_settings.element))
            .add("data_type", _settings.data_type())
            .add("layout", _settings.nhwc ? "NHWC" : "NCHW")
            .add("rnd_seed", _settings.seed)
            .add("time_setup", _set_up_s)
            .add("time_warmup", _warm_up_s)
            .add("time_test", taken_s)
            .add("warmups", _settings.warmups)
            .add("repetitions", _settings.repetitions)
            .add("tuner", _backend.tuner_state(_settings.tuner))
            .add("device", _backend.describe())
            .add("threads", threads_state(_settings, _threads_used))
            .add("library", library_state());
        _operator.describe(object);
        return object;
    }

    // The output, wrong ones too, as little-endian float32 in NCHW order, if asked for.
    void write_raw() const
    {
        if(_settings.raw_output.empty())
        {
            return;
        }
        try
        {
            write_whole(_settings.raw_output, "wb", _output.data(), _output.size() * sizeof(float));
        }
        catch(const std::runtime_error &error)
        {
            throw Failure::bad_value(std::string("CK_OUT_RAW_DATA: ") + error.what());
        }
    }

    const char         *_name;
    Settings            _settings;
    Operator            _operator; // reads its point: before the device is looked for
    Backend             _backend;
    std::vector<double> _expected;
    double              _tolerance = 0;
    std::vector<float>  _output;
    double              _set_up_s  = 0;
    double              _warm_up_s = 0;
    int                 _threads_used = 0; // 0: not known
};

// The whole of an operator program.  Exit status: 0 measured, 2 bad value, 3 not supported,
// 4 wrong output, 5 a kernel did not build, 6 out of memory; 1 is a bug, of ours or the library's.
template <typename Operator>
int run_program(const char *name)
{
    try
    {
        remove_stale();
        try
        {
            Operator::Backend::guarded([&] { Program<Operator>(name).measure(); });
            return 0;
        }
        catch(const std::bad_alloc &)
        {
            throw Failure::out_of_memory("the host has not enough memory");
        }
    }
    catch(const Failure &failure)
    {
        std::fprintf(stderr, "%s: %s\n", failure.status, failure.what());
        write_json(STATUS_FILE, JsonObject().add("status", failure.status).add("reason", failure.what()).done());
        return failure.exit_status;
    }
    catch(const std::exception &error)
    {
        std::fprintf(stderr, "%s: %s\n", name, error.what());
        return 1;
    }
}
} // namespace nntest
#endif
