// The files in the working directory that tell the caller what was measured, or why nothing was.
#ifndef NNTEST_RECORDS_H
#define NNTEST_RECORDS_H

#include "nntest/json.h"

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <stdexcept>
#include <string>

namespace nntest
{
const char *const TIMER_FILE       = "tmp-ck-timer.json";
const char *const STATUS_FILE      = "tmp-nntest-status.json";
const char *const REPETITIONS_FILE = "tmp-nntest-repetitions.jsonl";

// Remove what an earlier run left here, so that it is not taken for this one's.  The repetitions
// stay: a run that goes on with a later first repetition adds to them.
inline void remove_stale()
{
    std::remove(TIMER_FILE);
    std::remove(STATUS_FILE);
}

// Throws std::runtime_error where that cannot be done, as on a full disk.
inline void write_whole(const std::string &path, const char *mode, const void *bytes, size_t count)
{
    std::FILE *file    = std::fopen(path.c_str(), mode);
    bool       written = file != nullptr && std::fwrite(bytes, 1, count, file) == count;
    written            = file != nullptr && std::fclose(file) == 0 && written;
    if(!written)
    {
        throw std::runtime_error("'" + path + "' cannot be written: " + std::strerror(errno));
    }
}

// Put a file in its place at once: a reader sees the old one or the whole new one.
inline void write_json(const std::string &path, const Json &content)
{
    const std::string fresh = path + ".new";
    const std::string text  = content.text + "\n";
    write_whole(fresh, "wb", text.data(), text.size());
    if(std::rename(fresh.c_str(), path.c_str()) != 0)
    {
        throw std::runtime_error("'" + path + "' cannot be written: " + std::strerror(errno));
    }
}

// Add a finished repetition, as a line that is complete when the file is next read.
inline void append_repetition(const Json &content)
{
    const std::string line = content.text + "\n";
    write_whole(REPETITIONS_FILE, "ab", line.data(), line.size());
}

// The time as ISO 8601 in UTC, to the microsecond.
inline std::string utc_now()
{
    using namespace std::chrono;
    const auto        since   = system_clock::now().time_since_epoch();
    const std::time_t seconds = static_cast<std::time_t>(duration_cast<std::chrono::seconds>(since).count());
    const long        micros  = static_cast<long>(duration_cast<microseconds>(since).count() % 1000000);
    std::tm           parts;
    gmtime_r(&seconds, &parts);
    char date[32], whole[48];
    std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &parts);
    std::snprintf(whole, sizeof whole, "%s.%06ld+00:00", date, micros);
    return whole;
}
} // namespace nntest
#endif
