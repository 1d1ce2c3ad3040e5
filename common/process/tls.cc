#include "common/process/tls.h"

#include <fcntl.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "common/process/address.h"
#include "common/process/caller.h"
#include "common/process/grpc_log.h"
#include "common/process/log.h"
#include "common/process/metrics.h"
#include "common/process/process_metric_families.h"
#include "common/process/status.h"
#include "common/process/x509.h"

namespace estuary::process {
namespace {

namespace experimental = grpc::experimental;

// Before that, a certificate's end is said each hour.
constexpr absl::Duration kSoon = absl::Hours(24 * 7);
// A copy of three files is done in less; files that still do not fit are an error to be told.
constexpr int kLooksBeforeAWord = 5;
constexpr int kGrpcLooksEverySeconds = 1;

// A file in memory that is replaced as a whole: who opens its path gets the old content or the new.
// It stays open until the process ends, because a thread of gRPC's reads it by its number for as
// long as any channel lives, which may be longer than this object does.
class MemoryFile {
 public:
  absl::Status Replace(absl::string_view content) {
    const int fd = memfd_create("estuary-tls", MFD_CLOEXEC);
    if (fd < 0) return ErrnoStatus(errno, "cannot make a file in memory for certificates");
    absl::Status status;
    if (write(fd, content.data(), content.size()) != static_cast<ssize_t>(content.size())) {
      status = ErrnoStatus(errno, "cannot write a file in memory for certificates");
    }
    // gRPC reads twice, and compares the file's time in seconds before and after: each content has
    // its own.
    ++generation_;
    const timespec times[2] = {{generation_, 0}, {generation_, 0}};
    futimens(fd, times);
    if (fd_ < 0 && status.ok()) {
      fd_ = fd;
      return status;
    }
    if (status.ok() && dup3(fd, fd_, O_CLOEXEC) < 0) {
      status = ErrnoStatus(errno, "cannot replace the certificates in memory");
    }
    close(fd);
    return status;
  }

  std::string path() const { return absl::StrCat("/proc/self/fd/", fd_); }

 private:
  int fd_ = -1;
  time_t generation_ = 1;
};

class ServerCheck final : public experimental::ExternalCertificateVerifier {
 public:
  ServerCheck(std::shared_ptr<Tls> tls, std::string address, std::optional<Role> role,
              std::string name)
      : tls_(std::move(tls)), address_(std::move(address)), role_(role), name_(std::move(name)) {}

  bool Verify(experimental::TlsCustomVerificationCheckRequest* request,
              std::function<void(grpc::Status)>, grpc::Status* status) override {
    const absl::string_view pem(request->peer_cert().data(), request->peer_cert().size());
    const absl::Status checked = CheckServerCertificate(pem, address_, role_, name_);
    if (!checked.ok()) Say(checked);
    *status = ToGrpc(checked);
    return true;
  }
  void Cancel(experimental::TlsCustomVerificationCheckRequest*) override {}

 private:
  // A channel tries again for ever; one word in 30 s is enough.
  void Say(const absl::Status& status) {
    const absl::Time now = absl::Now();
    const absl::MutexLock lock(&mutex_);
    if (now < next_word_) return;
    next_word_ = now + absl::Seconds(30);
    spdlog::error("{}", std::string(status.message()));
  }

  // New certificates must reach the channel for as long as there is one.
  const std::shared_ptr<Tls> tls_;
  const std::string address_;
  const std::optional<Role> role_;
  const std::string name_;
  absl::Mutex mutex_;
  absl::Time next_word_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
};

}  // namespace

absl::Status CheckServerCertificate(absl::string_view pem, const std::string& address,
                                    std::optional<Role> role, const std::string& name) {
  ESTUARY_ASSIGN_OR_RETURN(const auto chain,
                           ParseCertificates(pem, absl::StrCat("the server at ", address)));
  const CertificateFacts facts = Describe(*chain[0]);
  const Caller server = CallerWithUris(facts.uris);
  const bool fits =
      server.identity && (role ? server.identity->role == *role : Serves(server.identity->role));
  if (!fits) {
    return absl::PermissionDeniedError(absl::StrCat(
        "the server at ", address, " has the certificate of ", server.Words(), ", where ",
        role ? absl::StrCat("a ", RoleName(*role)) : "a server",
        " is expected: another process listens there, or its --tls names the wrong folder"));
  }
  const std::string host = name.empty() ? HostOf(address) : name;
  if (NamesHost(*chain[0], host)) return absl::OkStatus();
  std::vector<std::string> hosts = facts.dns;
  hosts.insert(hosts.end(), facts.ips.begin(), facts.ips.end());
  return absl::PermissionDeniedError(absl::StrCat(
      "the server at ", address, " has a certificate (", server.Words(), ") for [",
      absl::StrJoin(hosts, ", "), "], not for '", host,
      "'; call it by one of these, or issue its certificate with --dns=", host, " or --ip=", host));
}

struct Tls::Impl {
  std::string directory;
  absl::Duration look_every;

  mutable absl::Mutex mutex;
  std::shared_ptr<const TlsFiles> files ABSL_GUARDED_BY(mutex);
  MemoryFile authorities ABSL_GUARDED_BY(mutex);
  // Certificate and key in one file, so that neither is ever seen without the other.
  MemoryFile identity ABSL_GUARDED_BY(mutex);
  std::shared_ptr<experimental::CertificateProviderInterface> provider ABSL_GUARDED_BY(mutex);
  bool stopping ABSL_GUARDED_BY(mutex) = false;
  std::thread watcher;

  ~Impl() {
    {
      const absl::MutexLock lock(&mutex);
      stopping = true;
    }
    if (watcher.joinable()) watcher.join();
  }

  absl::Status Take(TlsFiles fresh) {
    const absl::MutexLock lock(&mutex);
    ESTUARY_RETURN_IF_ERROR(authorities.Replace(fresh.ca_pem));
    ESTUARY_RETURN_IF_ERROR(
        identity.Replace(absl::StrCat(fresh.certificate_pem, "\n", fresh.key_pem)));
    ProcessMetrics()
        .Gauge(ProcessFamily("estuary_process_certificate_expires_seconds"))
        .Set(static_cast<double>(absl::ToUnixSeconds(fresh.not_after)));
    WarnOfOpenKey(fresh);
    files = std::make_shared<const TlsFiles>(std::move(fresh));
    return absl::OkStatus();
  }

  void Watch() {
    auto& taken =
        ProcessMetrics().Counter(ProcessFamily("estuary_process_certificate_rotations_total"));
    int misfits = 0;
    absl::Time next_word_on_end = absl::InfinitePast();
    while (true) {
      std::shared_ptr<const TlsFiles> used;
      {
        const absl::MutexLock lock(&mutex);
        if (mutex.AwaitWithTimeout(absl::Condition(&stopping), look_every)) return;
        used = files;
      }
      const absl::Time now = absl::Now();
      absl::StatusOr<TlsFiles> fresh = LoadTlsFiles(directory, now);
      const bool same = fresh.ok() && fresh->ca_pem == used->ca_pem &&
                        fresh->certificate_pem == used->certificate_pem &&
                        fresh->key_pem == used->key_pem;
      absl::Status status = fresh.status();
      if (fresh.ok() && !same) {
        const std::string words = fresh->identity.Words();
        const absl::Time end = fresh->not_after;
        status = Take(*std::move(fresh));
        if (status.ok()) {
          taken.Increment();
          spdlog::info("new certificates from '{}': {}, until {}", directory, words,
                       FormatUtc(end));
        }
      }
      misfits = status.ok() ? 0 : misfits + 1;
      if (misfits == kLooksBeforeAWord) {
        spdlog::error("the certificates in use stay as they are: {}",
                      std::string(status.message()));
      }
      if (used->not_after - now < kSoon && now >= next_word_on_end && same) {
        next_word_on_end = now + absl::Hours(1);
        spdlog::warn("the certificate in '{}' ends at {}; issue a new one in its place", directory,
                     FormatUtc(used->not_after));
      }
    }
  }

  // Made when first asked for: it starts a thread of gRPC's, whose priority the bridge decides.
  std::shared_ptr<experimental::CertificateProviderInterface> Provider() {
    const absl::MutexLock lock(&mutex);
    if (provider == nullptr) {
      provider = std::make_shared<experimental::FileWatcherCertificateProvider>(
          identity.path(), identity.path(), authorities.path(), kGrpcLooksEverySeconds);
    }
    return provider;
  }
};

Tls::Tls(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Tls::~Tls() = default;

absl::StatusOr<std::shared_ptr<Tls>> Tls::Open(const std::string& directory,
                                               absl::Duration look_every) {
  RouteGrpcLog();
  auto impl = std::make_unique<Impl>();
  impl->directory = directory;
  impl->look_every = look_every;
  ESTUARY_ASSIGN_OR_RETURN(TlsFiles files, LoadTlsFiles(directory, absl::Now()));
  ESTUARY_RETURN_IF_ERROR(impl->Take(std::move(files)));
  impl->watcher = std::thread([impl = impl.get()] { impl->Watch(); });
  return std::shared_ptr<Tls>(new Tls(std::move(impl)));
}

std::shared_ptr<const TlsFiles> Tls::files() const {
  const absl::MutexLock lock(&impl_->mutex);
  return impl_->files;
}

std::shared_ptr<grpc::ChannelCredentials> Tls::ForClient(const std::string& address,
                                                         std::optional<Role> server,
                                                         const std::string& name) {
  experimental::TlsChannelCredentialsOptions options;
  options.set_certificate_provider(impl_->Provider());
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  options.set_verify_server_certs(true);
  // ServerCheck does it.
  options.set_check_call_host(false);
  options.set_certificate_verifier(experimental::ExternalCertificateVerifier::Create<ServerCheck>(
      shared_from_this(), address, server, name));
  return experimental::TlsCredentials(options);
}

std::shared_ptr<grpc::ServerCredentials> Tls::ForServer() {
  experimental::TlsServerCredentialsOptions options(impl_->Provider());
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  std::shared_ptr<grpc::ServerCredentials> credentials =
      experimental::TlsServerCredentials(options);
  credentials->SetAuthMetadataProcessor(MakeGate(shared_from_this()));
  return credentials;
}

}  // namespace estuary::process
