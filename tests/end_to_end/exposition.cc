#include "tests/end_to_end/exposition.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace estuary::end_to_end {
namespace {

sockaddr_in Loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

bool IsFree(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = Loopback(port);
  const bool free = bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  close(fd);
  return free;
}

bool ParseSample(const std::string& line, Sample& sample) {
  static const std::regex whole(
      R"re(([a-zA-Z_:][a-zA-Z0-9_:]*)(\{(.*)\})? ([-+]?(?:[0-9].*|Inf|Nan|NaN)))re");
  static const std::regex label(R"re(([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\.)*)"(,|$))re");
  std::smatch match;
  if (!std::regex_match(line, match, whole)) return false;
  sample.name = match[1];
  if (!absl::SimpleAtod(match[4].str(), &sample.value)) return false;
  std::string rest = match[3];
  while (!rest.empty()) {
    std::smatch one;
    if (!std::regex_search(rest, one, label, std::regex_constants::match_continuous)) return false;
    // A label may be there once.
    if (!sample.labels.emplace(one[1], one[2]).second) return false;
    rest = one.suffix();
  }
  return true;
}

}  // namespace

std::vector<Sample> Exposition::Named(const std::string& name) const {
  std::vector<Sample> found;
  for (const Sample& sample : samples) {
    if (sample.name == name) found.push_back(sample);
  }
  return found;
}

Exposition ParseExposition(const std::string& text) {
  Exposition parsed;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const std::vector<std::string> words = absl::StrSplit(line, absl::MaxSplits(' ', 3));
    Sample sample;
    bool fits = true;
    if (words.size() == 4 && words[0] == "#" && words[1] == "HELP") {
      fits = parsed.helps.emplace(words[2], words[3]).second;
    } else if (words.size() == 4 && words[0] == "#" && words[1] == "TYPE") {
      fits = parsed.types.emplace(words[2], words[3]).second;
    } else if (ParseSample(line, sample)) {
      parsed.samples.push_back(std::move(sample));
    } else {
      fits = false;
    }
    if (!fits) parsed.odd.push_back(line);
  }
  return parsed;
}

std::map<std::string, CatalogueRow> CatalogueOf(const std::string& binary) {
  const std::string command = absl::StrCat(ESTUARY_BIN_DIR, "/", binary, " --describe_metrics");
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  std::string text;
  char buffer[1 << 12];
  while (const size_t n = fread(buffer, 1, sizeof(buffer), pipe.get())) text.append(buffer, n);
  std::map<std::string, CatalogueRow> rows;
  for (const auto& entry : nlohmann::json::parse(text)) {
    CatalogueRow row{.type = entry["type"], .meaning = entry["meaning"], .labels = {}};
    // "table, kind=actual|configured"
    const std::string labels = entry["labels"];
    const std::vector<std::string> words = absl::StrSplit(labels, ", ", absl::SkipEmpty());
    for (const std::string& label : words) {
      row.labels.insert(label.substr(0, label.find('=')));
    }
    rows[entry["name"]] = std::move(row);
  }
  return rows;
}

std::string Scrape(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = Loopback(port);
  std::string answer;
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) {
    const std::string request =
        "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    if (write(fd, request.data(), request.size()) == static_cast<ssize_t>(request.size())) {
      char buffer[1 << 12];
      for (ssize_t n = 0; (n = read(fd, buffer, sizeof(buffer))) > 0;) answer.append(buffer, n);
    }
  }
  close(fd);
  const size_t body = answer.find("\r\n\r\n");
  return body == std::string::npos || answer.find(" 200 ") > answer.find("\r\n")
             ? ""
             : answer.substr(body + 4);
}

int FreePorts(int count) {
  for (int first = 21000 + getpid() % 8000; first < 32000; first += count) {
    int free = 0;
    while (free < count && IsFree(first + free)) ++free;
    if (free == count) return first;
  }
  return 0;
}

}  // namespace estuary::end_to_end
