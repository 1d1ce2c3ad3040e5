// A lab with an authority of its own, for tests that need certificates.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/certificates/authority.h"
#include "common/process/security.h"

namespace estuary::process {

class Lab {
 public:
  explicit Lab(const std::string& name)
      : folder_(absl::StrCat(testing::TempDir(), "/lab_", getpid(), "_", name)) {
    std::filesystem::remove_all(folder_);
    const absl::Status made = certificates::CreateAuthority(authority(), {.name = name});
    EXPECT_TRUE(made.ok()) << made;
  }
  ~Lab() { std::filesystem::remove_all(folder_); }

  const std::string& folder() const { return folder_; }
  std::string authority() const { return folder_ + "/authority"; }

  certificates::IssueOptions Options(Role role, const std::string& name) const {
    return {.identity = {role, name}, .dns = {"localhost"}, .ips = {"127.0.0.1"}, .replace = true};
  }

  // The folder with the three files.
  std::string Issue(Role role, const std::string& name) const {
    return Issue(Options(role, name), name);
  }
  std::string Issue(const certificates::IssueOptions& options, const std::string& folder) const {
    const std::string output = folder_ + "/" + folder;
    const absl::Status issued = certificates::Issue(authority(), output, options);
    EXPECT_TRUE(issued.ok()) << issued;
    return output;
  }

  // A process's settings with such a certificate, quick to see new files.
  static Security Open(const std::string& folder) {
    auto tls = Tls::Open(folder, absl::Milliseconds(50));
    EXPECT_TRUE(tls.ok()) << tls.status();
    return {.tls = *std::move(tls)};
  }
  Security As(Role role, const std::string& name) const { return Open(Issue(role, name)); }

 private:
  const std::string folder_;
};

}  // namespace estuary::process
