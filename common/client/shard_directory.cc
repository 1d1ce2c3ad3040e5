#include "common/client/shard_directory.h"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <set>
#include <thread>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "common/client/replay_shards.h"
#include "common/process/address.h"
#include "common/process/log.h"
#include "common/process/shutdown.h"
#include "common/process/status.h"

namespace estuary::client {
namespace {

constexpr char kScheme[] = "dns:///";
constexpr absl::Duration kAnswer = absl::Seconds(3);
constexpr absl::Duration kGlance = absl::Milliseconds(100);
constexpr absl::Duration kNextWord = absl::Seconds(5);

// "dns:///name:1#id" in its parts; the id is empty where there is none.
std::pair<std::string, std::string> Split(const std::string& target) {
  const size_t mark = target.find('#');
  if (mark == std::string::npos) return {target, ""};
  return {target.substr(0, mark), target.substr(mark + 1)};
}

std::string Target(const std::string& name, const std::string& id) {
  return absl::StrCat(name, "#", id);
}

// The system's resolver.
absl::StatusOr<std::vector<std::string>> AskSystem(const std::string& host_port) {
  const size_t colon = host_port.rfind(':');
  const std::string host = host_port.substr(0, colon);
  const std::string port = host_port.substr(colon + 1);
  addrinfo hints = {};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host.c_str(), port.c_str(), &hints, &found);
  if (error != 0) {
    return absl::UnavailableError(
        absl::StrCat("cannot look up '", host, "': ", gai_strerror(error)));
  }
  std::set<std::string> addresses;
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    char text[NI_MAXHOST];
    if (getnameinfo(at->ai_addr, at->ai_addrlen, text, sizeof(text), nullptr, 0, NI_NUMERICHOST) !=
        0) {
      continue;
    }
    addresses.insert(at->ai_family == AF_INET6 ? absl::StrCat("[", text, "]:", port)
                                               : absl::StrCat(text, ":", port));
  }
  freeaddrinfo(found);
  return std::vector<std::string>(addresses.begin(), addresses.end());
}

absl::StatusOr<std::string> AskShard(const std::string& address, const std::string& server_name) {
  const absl::StatusOr<v1::DescribeResponse> answer =
      DescribeShardAt(address, server_name, kAnswer);
  if (!answer.ok()) return answer.status();
  return answer->shard_id();
}

}  // namespace

ShardDirectory& ShardDirectory::Process() {
  static auto& directory =
      *new ShardDirectory(Options{.lookup = &AskSystem, .identify = &AskShard});
  return directory;
}

ShardDirectory::ShardDirectory(Options options) : options_(std::move(options)) {}

bool ShardDirectory::IsName(absl::string_view text) {
  return absl::StartsWith(text, kScheme) && !absl::StrContains(text, '#');
}

std::string ShardDirectory::ServerName(const std::string& target) {
  const std::string name = Split(target).first;
  return absl::StartsWith(name, kScheme) ? process::HostOf(name) : "";
}

absl::StatusOr<int> ShardDirectory::LookUp(const std::string& name) {
  ESTUARY_ASSIGN_OR_RETURN(const std::vector<std::string> addresses,
                           options_.lookup(name.substr(sizeof(kScheme) - 1)));
  if (addresses.empty()) {
    return absl::UnavailableError(absl::StrCat("'", name, "' stands for no address"));
  }
  std::vector<absl::StatusOr<std::string>> ids(addresses.size(), absl::UnknownError("not asked"));
  std::vector<std::thread> threads;
  for (size_t i = 0; i < addresses.size(); ++i) {
    threads.emplace_back([&, i] { ids[i] = options_.identify(addresses[i], ServerName(name)); });
  }
  for (std::thread& thread : threads) thread.join();
  std::map<std::string, std::string> found;
  int silent = 0;
  absl::Status first_error;
  for (size_t i = 0; i < addresses.size(); ++i) {
    if (ids[i].ok()) {
      // The first of a shard's addresses (a machine has one of each family).
      found.emplace(*ids[i], addresses[i]);
    } else {
      ++silent;
      first_error.Update(ids[i].status());
    }
  }
  if (found.empty()) return first_error;
  const absl::MutexLock lock(&mutex_);
  std::map<std::string, std::string>& shards =
      names_
          .try_emplace(
              name, Name{.shards = {},
                         .backoff = process::Backoff(options_.first_pause, options_.longest_pause,
                                                     std::hash<std::string>{}(name))})
          .first->second.shards;
  for (const auto& [id, address] : found) {
    std::string& known = shards[id];
    if (known == address) continue;
    spdlog::info("shard {} of {} is at {}{}{}", id, name, address, known.empty() ? "" : ", was at ",
                 known);
    known = address;
  }
  return silent;
}

absl::StatusOr<std::vector<std::string>> ShardDirectory::Resolve(const std::string& name,
                                                                 absl::Duration timeout) {
  const std::string host_port = IsName(name) ? name.substr(sizeof(kScheme) - 1) : "";
  const size_t colon = host_port.rfind(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == host_port.size() ||
      absl::StrContains(host_port, '/')) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", name, "' is no name of shards; write dns:///NAME:PORT"));
  }
  const absl::Time start = absl::Now();
  process::Backoff backoff(absl::Milliseconds(100), absl::Seconds(2),
                           std::hash<std::string>{}(name));
  absl::Time next_word = start + kNextWord;
  while (true) {
    const absl::StatusOr<int> silent = LookUp(name);
    const absl::Time now = absl::Now();
    if (silent.ok() && (*silent == 0 || now - start >= std::min(options_.patience, timeout))) break;
    const std::string why = silent.ok() ? absl::StrCat(*silent, " of its addresses do not answer")
                                        : std::string(silent.status().message());
    if (now - start >= timeout) {
      return absl::DeadlineExceededError(absl::StrCat("no shard of ", name, " was found in ",
                                                      absl::FormatDuration(timeout), ": ", why));
    }
    if (now >= next_word) {
      spdlog::info("waiting for the shards of {}: {}", name, why);
      next_word = now + kNextWord;
    }
    const absl::Time until = now + backoff.Next();
    while (absl::Now() < until) {
      if (process::ShutdownRequested()) {
        return absl::CancelledError(absl::StrCat("stopped while looking for the shards of ", name));
      }
      absl::SleepFor(std::min(kGlance, until - absl::Now()));
    }
  }
  return Known(Target(name, ""));
}

std::string ShardDirectory::AddressOf(const std::string& target) const {
  const auto [name, id] = Split(target);
  if (id.empty()) return target;
  const absl::MutexLock lock(&mutex_);
  const auto found = names_.find(name);
  if (found == names_.end()) return target;
  const auto shard = found->second.shards.find(id);
  return shard == found->second.shards.end() ? target : shard->second;
}

std::string ShardDirectory::Renew(const std::string& target) {
  const std::string name = Split(target).first;
  {
    const absl::MutexLock lock(&mutex_);
    const auto found = names_.find(name);
    if (found == names_.end()) return target;
    Name& state = found->second;
    const absl::Time now = absl::Now();
    if (state.busy || now < state.next_lookup) {
      const auto shard = state.shards.find(Split(target).second);
      return shard == state.shards.end() ? target : shard->second;
    }
    // A long peace is forgotten with the trouble before it.
    if (now > state.next_lookup + options_.longest_pause) state.backoff.Reset();
    state.busy = true;
    state.next_lookup = now + state.backoff.Next();
  }
  const std::string before = AddressOf(target);
  if (const absl::StatusOr<int> silent = LookUp(name); !silent.ok()) {
    spdlog::warn("{}: {}", name, std::string(silent.status().message()));
  }
  const std::string after = AddressOf(target);
  const absl::MutexLock lock(&mutex_);
  Name& state = names_.at(name);
  state.busy = false;
  if (after != before) state.backoff.Reset();
  return after;
}

std::vector<std::string> ShardDirectory::Known(const std::string& target) const {
  const std::string name = Split(target).first;
  const absl::MutexLock lock(&mutex_);
  const auto found = names_.find(name);
  if (found == names_.end()) return {target};
  std::vector<std::string> targets;
  for (const auto& [id, address] : found->second.shards) targets.push_back(Target(name, id));
  return targets;
}

}  // namespace estuary::client
