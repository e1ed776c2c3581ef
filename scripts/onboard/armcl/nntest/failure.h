// The ways in which a run can end without a measurement, each with its status and exit status.
//
// A Failure is expected: it says in one sentence what is wrong and becomes
// tmp-nntest-status.json.  Any other exception is a bug of the program, or of the library.
#ifndef NNTEST_FAILURE_H
#define NNTEST_FAILURE_H

#include <stdexcept>
#include <string>

namespace nntest
{
class Failure : public std::runtime_error
{
public:
    const char *status;
    int         exit_status;

    // What is asked for makes no sense: a bad value in the environment, or in a file named there.
    static Failure bad_value(const std::string &reason)
    {
        return Failure("not-supported", 2, reason);
    }
    // What is asked for makes sense, and this library or this device cannot do it.
    static Failure not_supported(const std::string &reason)
    {
        return Failure("not-supported", 3, reason);
    }
    static Failure wrong_output(const std::string &reason)
    {
        return Failure("wrong-output", 4, reason);
    }
    static Failure build_failed(const std::string &reason)
    {
        return Failure("build-failed", 5, reason);
    }
    static Failure out_of_memory(const std::string &reason)
    {
        return Failure("out-of-memory", 6, reason);
    }
    // The same with where it happened in front.
    Failure in(const std::string &where) const
    {
        return Failure(status, exit_status, where + ": " + what());
    }

private:
    Failure(const char *status_, int exit_status_, const std::string &reason)
        : std::runtime_error(reason), status(status_), exit_status(exit_status_)
    {
    }
};
} // namespace nntest
#endif
