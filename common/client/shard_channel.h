// A channel to a shard wherever it is now (shard_directory.h). Thread-safe.
#pragma once

#include <grpcpp/channel.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/client/shard_directory.h"
#include "common/process/channel.h"

namespace estuary::client {

class ShardChannel {
 public:
  explicit ShardChannel(std::string target)
      : target_(std::move(target)),
        server_name_(ShardDirectory::ServerName(target_)),
        address_(ShardDirectory::Process().AddressOf(target_)),
        channel_(Open(address_)) {}

  std::shared_ptr<grpc::Channel> get() const {
    const absl::MutexLock lock(&mutex_);
    return channel_;
  }
  const std::string& server_name() const { return server_name_; }
  std::string address() const {
    const absl::MutexLock lock(&mutex_);
    return address_;
  }

  // The shard does not answer: it may have moved.
  void Renew() {
    std::string address = ShardDirectory::Process().Renew(target_);
    const absl::MutexLock lock(&mutex_);
    if (address == address_) return;
    address_ = std::move(address);
    channel_ = Open(address_);
  }

 private:
  std::shared_ptr<grpc::Channel> Open(const std::string& address) const {
    return process::MakeChannel(address, process::Role::kReplay, process::ProcessSecurity(),
                                server_name_);
  }

  const std::string target_;
  const std::string server_name_;
  mutable absl::Mutex mutex_;
  std::string address_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<grpc::Channel> channel_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace estuary::client
