// Runs that are timed together: as many as take long enough, for a meter or a coarse clock.
#ifndef NNTEST_LOOP_H
#define NNTEST_LOOP_H

#include "nntest/json.h"
#include "nntest/records.h"

#include <chrono>
#include <string>
#include <thread>

namespace nntest
{
class Stopwatch
{
public:
    double seconds() const
    {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - _start).count();
    }

private:
    std::chrono::steady_clock::time_point _start = std::chrono::steady_clock::now();
};

// A while in which the program does nothing.
class Rest
{
public:
    explicit Rest(double seconds) : from(utc_now())
    {
        const Stopwatch rest;
        if(seconds > 0)
        {
            std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
        }
        taken_s = rest.seconds();
    }

    const std::string from;
    double            taken_s;
};

// Runs until some seconds are over, at least once.
class Loop
{
public:
    template <typename Run>
    Loop(double least_s, const Run &run)
    {
        const Stopwatch stopwatch;
        do
        {
            run();
            ++_runs;
            _taken_s = stopwatch.seconds();
        } while(_taken_s < least_s);
    }

    double seconds_a_run() const
    {
        return _taken_s / _runs;
    }
    int runs() const
    {
        return _runs;
    }
    Json described(const Rest &rest) const
    {
        return JsonObject()
            .add("runs", _runs)
            .add("seconds", _taken_s)
            .add("rested_from", rest.from)
            .add("rest_s", rest.taken_s)
            .done();
    }

private:
    int    _runs    = 0;
    double _taken_s = 0;
};
} // namespace nntest
#endif
