// SHA-256 of something too large to hold at once.
#pragma once

#include <cstddef>
#include <string>

struct evp_md_ctx_st;

namespace estuary::process {

class Sha256Stream {
 public:
  Sha256Stream();
  Sha256Stream(const Sha256Stream&) = delete;
  Sha256Stream& operator=(const Sha256Stream&) = delete;
  ~Sha256Stream();

  void Add(const void* bytes, size_t count);
  // In hex; nothing may be added afterwards.
  std::string Finish();

 private:
  evp_md_ctx_st* const context_;
};

}  // namespace estuary::process
