// Handshakes between processes with certificates, and what goes wrong with them.
#include "common/process/tls.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <atomic>
#include <csignal>
#include <filesystem>

#include "common/process/channel.h"
#include "common/process/explain.h"
#include "common/process/files.h"
#include "common/process/metrics_server.h"
#include "common/process/openssl_session.h"
#include "common/process/process_metric_families.h"
#include "common/process/server.h"
#include "common/process/status.h"
#include "estuary/v1/learner.grpc.pb.h"
#include "tests/common/process/lab.h"

namespace estuary::process {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class FakeLearner : public v1::Learner::Service {
 public:
  grpc::Status Status(grpc::ServerContext*, const v1::StatusRequest*,
                      v1::LearnerStatus* response) override {
    response->set_run_id("run");
    return grpc::Status::OK;
  }
  // Versions 1, 2, 3, ... until it is told to end.
  grpc::Status Subscribe(grpc::ServerContext* context, const v1::SubscribeRequest*,
                         grpc::ServerWriter<v1::PolicyUpdate>* writer) override {
    v1::PolicyUpdate update;
    for (int version = 1; !end && !context->IsCancelled(); ++version) {
      update.mutable_policy()->set_version(version);
      if (!writer->Write(update)) break;
      absl::SleepFor(absl::Milliseconds(20));
    }
    return grpc::Status::OK;
  }
  std::atomic<bool> end{false};
};

class TlsTest : public testing::Test {
 protected:
  TlsTest() : lab_(testing::UnitTest::GetInstance()->current_test_info()->name()) {
    std::signal(SIGPIPE, SIG_IGN);
    server_folder_ = lab_.Issue(Role::kLearner, "learner");
  }
  ~TlsTest() override { learner_.end = true; }

  void Serve() { Serve(Lab::Open(server_folder_)); }
  void Serve(const Security& security) {
    auto server = Server::Start({.addresses = {"127.0.0.1:0"}, .security = security}, {&learner_});
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    address_ = server_->addresses()[0];
  }

  absl::Status Call(const Security& client, Role server = Role::kLearner,
                    absl::Duration timeout = absl::Seconds(10)) {
    return Call(MakeChannel(address_, server, client), timeout);
  }
  absl::Status Call(const std::shared_ptr<grpc::Channel>& channel,
                    absl::Duration timeout = absl::Seconds(10)) {
    grpc::ClientContext context;
    SetDeadline(context, timeout);
    v1::LearnerStatus response;
    return FromGrpc(v1::Learner::NewStub(channel)->Status(&context, {}, &response));
  }
  // As a new process would: until it works, or 20 s are over.
  bool WorksSoon(const Security& client) {
    for (int i = 0; i < 100; ++i) {
      if (Call(client, Role::kLearner, absl::Seconds(2)).ok()) return true;
      absl::SleepFor(absl::Milliseconds(200));
    }
    return false;
  }

  Lab lab_;
  std::string server_folder_;
  FakeLearner learner_;
  std::unique_ptr<Server> server_;
  std::string address_;
};

TEST_F(TlsTest, ProcessesOfOneLabUnderstandEachOther) {
  Serve();
  const absl::Status status = Call(lab_.As(Role::kActor, "actor-0"));
  EXPECT_TRUE(status.ok()) << status;
}

TEST_F(TlsTest, AClientWithoutACertificateGetsNowhere) {
  Serve();
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = *ReadFile(server_folder_ + "/ca.pem");
  EXPECT_FALSE(
      Call(grpc::CreateChannel(address_, grpc::SslCredentials(options)), absl::Seconds(3)).ok());
  EXPECT_FALSE(
      Call(grpc::CreateChannel(address_, grpc::InsecureChannelCredentials()), absl::Seconds(3))
          .ok());
  EXPECT_THAT(WhyNoAnswer(address_, Role::kLearner, {}), HasSubstr("does it want --tls"));
}

TEST_F(TlsTest, ACertificateOfAnotherLabIsRefusedOnBothSides) {
  Serve();
  Lab other("another");
  const Security stranger = other.As(Role::kActor, "actor-0");
  EXPECT_FALSE(Call(stranger, Role::kLearner, absl::Seconds(3)).ok());
  EXPECT_THAT(WhyNoAnswer(address_, Role::kLearner, stranger),
              AllOf(HasSubstr("actor-0/ca.pem"), HasSubstr("certs init")));
  // A client that trusts both labs is still refused by a server that does not.
  const std::string folder = other.Issue(Role::kActor, "believer");
  ASSERT_TRUE(WriteFileAtomically(folder + "/ca.pem", *ReadFile(folder + "/ca.pem") +
                                                          *ReadFile(server_folder_ + "/ca.pem"))
                  .ok());
  const Security believer = Lab::Open(folder);
  EXPECT_FALSE(Call(believer, Role::kLearner, absl::Seconds(3)).ok());
  EXPECT_THAT(WhyNoAnswer(address_, Role::kLearner, believer),
              AllOf(HasSubstr("it refuses the certificate"), HasSubstr("believer/cert.pem")));
}

TEST_F(TlsTest, ACertificateThatExpiresWhileRunningIsRefused) {
  Serve();
  auto options = lab_.Options(Role::kActor, "brief");
  options.now = absl::Now() - absl::Hours(1);
  options.validity = absl::Hours(1) + absl::Seconds(3);
  const Security brief = Lab::Open(lab_.Issue(options, "brief"));
  const absl::Time end = brief.tls->files()->not_after;
  absl::SleepFor(end - absl::Now() + absl::Seconds(1.1));
  EXPECT_FALSE(Call(brief, Role::kLearner, absl::Seconds(3)).ok());
  EXPECT_THAT(WhyNoAnswer(address_, Role::kLearner, brief),
              AllOf(HasSubstr("brief/cert.pem"), HasSubstr("expired")));
  EXPECT_FALSE(Tls::Open(brief.tls->files()->directory).ok());
}

TEST_F(TlsTest, AWrongRoleIsToldWhoMayAndCounted) {
  Serve();
  auto& refused =
      ProcessMetrics().Counter(ProcessFamily("estuary_process_refused_calls_total"),
                               {{"role", "replay"}, {"method", "/estuary.v1.Learner/Status"}});
  const double before = refused.Value();
  const absl::Status status = Call(lab_.As(Role::kReplay, "replay-0"));
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("replay 'replay-0'"), HasSubstr("Learner.Status"),
                    HasSubstr("operator, viewer")));
  EXPECT_EQ(refused.Value(), before + 1);
}

TEST_F(TlsTest, AnActorCannotPoseAsTheLearner) {
  Serve(lab_.As(Role::kActor, "impostor"));
  const Security client = lab_.As(Role::kActor, "actor-0");
  EXPECT_FALSE(Call(client, Role::kLearner, absl::Seconds(3)).ok());
  EXPECT_THAT(WhyNoAnswer(address_, Role::kLearner, client),
              AllOf(HasSubstr("actor 'impostor'"), HasSubstr("a learner is expected")));
}

TEST_F(TlsTest, AServerMustBeCalledByANameOfItsCertificate) {
  auto options = lab_.Options(Role::kLearner, "elsewhere");
  options.dns = {"learner.lab"};
  options.ips = {"10.0.0.7"};
  Serve(Lab::Open(lab_.Issue(options, "elsewhere")));
  const Security client = lab_.As(Role::kActor, "actor-0");
  EXPECT_FALSE(Call(client, Role::kLearner, absl::Seconds(3)).ok());
  EXPECT_THAT(WhyNoAnswer(address_, Role::kLearner, client),
              AllOf(HasSubstr("[learner.lab, 10.0.0.7]"), HasSubstr("--ip=127.0.0.1")));
}

TEST_F(TlsTest, AServerFoundByANameIsCheckedForThatName) {
  auto options = lab_.Options(Role::kLearner, "named");
  options.dns = {"learner.lab"};
  options.ips = {};
  Serve(Lab::Open(lab_.Issue(options, "named")));
  const Security client = lab_.As(Role::kActor, "actor-0");
  EXPECT_TRUE(Call(MakeChannel(address_, Role::kLearner, client, "learner.lab")).ok());
  EXPECT_FALSE(
      Call(MakeChannel(address_, Role::kLearner, client, "other.lab"), absl::Seconds(3)).ok());
  EXPECT_THAT(WhyNoAnswer(address_, Role::kLearner, client, "other.lab"),
              HasSubstr("not for 'other.lab'"));
}

TEST_F(TlsTest, APlaintextServerIsNamedAsSuch) {
  Serve(Security{});
  const Security client = lab_.As(Role::kActor, "actor-0");
  EXPECT_FALSE(Call(client, Role::kLearner, absl::Seconds(3)).ok());
  EXPECT_THAT(WhyNoAnswer(address_, Role::kLearner, client), HasSubstr("does not speak TLS"));
}

TEST_F(TlsTest, UnixSocketsNeedNoCertificates) {
  const std::string socket = "unix:" + lab_.folder() + "/s.sock";
  auto server =
      Server::Start({.addresses = {socket}, .security = Lab::Open(server_folder_)}, {&learner_});
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_TRUE(Call(MakeChannel(socket, Role::kLearner, lab_.As(Role::kReplay, "r"))).ok());
}

TEST_F(TlsTest, CertificateAndAuthorityRotateWhileAStreamRuns) {
  Serve();
  const Security client = lab_.As(Role::kActor, "actor-0");
  grpc::ClientContext context;
  const auto stub = v1::Learner::NewStub(MakeChannel(address_, Role::kLearner, client));
  const auto stream = stub->Subscribe(&context, {});
  v1::PolicyUpdate update;
  const auto goes_on = [&] {
    for (int i = 0; i < 5; ++i) {
      if (!stream->Read(&update)) return false;
    }
    return true;
  };
  ASSERT_TRUE(goes_on());

  // The new authority becomes trusted, then its certificates are used, then the old one is dropped.
  ASSERT_TRUE(certificates::RotateAuthority(lab_.authority(), {.name = "second"}).ok());
  lab_.Issue(Role::kLearner, "learner");
  lab_.Issue(Role::kActor, "actor-0");
  const auto has_new = [](const Security& security) {
    for (int i = 0; i < 200; ++i) {
      if (security.tls->files()->ca_pem.find("BEGIN") !=
          security.tls->files()->ca_pem.rfind("BEGIN")) {
        return true;
      }
      absl::SleepFor(absl::Milliseconds(50));
    }
    return false;
  };
  EXPECT_TRUE(has_new(client));
  EXPECT_TRUE(WorksSoon(client));
  EXPECT_TRUE(goes_on());

  ASSERT_EQ(*certificates::RetireAuthorities(lab_.authority()), 1);
  lab_.Issue(Role::kLearner, "learner");
  // A process that starts now trusts nothing but the new authority, and is heard.
  EXPECT_TRUE(WorksSoon(lab_.As(Role::kActor, "actor-1")));
  EXPECT_TRUE(goes_on()) << "a stream of before has to go on";
  context.TryCancel();
  while (stream->Read(&update)) {
  }
  stream->Finish();
}

TEST_F(TlsTest, HalfACopyIsNotTaken) {
  const Security server = Lab::Open(server_folder_);
  Serve(server);
  const std::string before = server.tls->files()->certificate_pem;
  const std::string fresh = lab_.Issue(Role::kLearner, "fresh");
  // The key alone: it does not fit the certificate that is still there.
  ASSERT_TRUE(WriteFileAtomically(server_folder_ + "/key.pem", *ReadFile(fresh + "/key.pem")).ok());
  absl::SleepFor(absl::Milliseconds(500));
  EXPECT_EQ(server.tls->files()->certificate_pem, before);
  EXPECT_TRUE(Call(lab_.As(Role::kActor, "actor-0")).ok());
  ASSERT_TRUE(
      WriteFileAtomically(server_folder_ + "/cert.pem", *ReadFile(fresh + "/cert.pem")).ok());
  for (int i = 0; i < 200 && server.tls->files()->certificate_pem == before; ++i) {
    absl::SleepFor(absl::Milliseconds(50));
  }
  EXPECT_NE(server.tls->files()->certificate_pem, before);
  EXPECT_TRUE(WorksSoon(lab_.As(Role::kActor, "actor-1")));
}

class MetricsTest : public TlsTest {
 protected:
  MetricsTest() {
    // A port that was free a moment ago.
    auto server = Server::Start({.addresses = {"127.0.0.1:0"}, .security = {}}, {});
    address_ = (*server)->addresses()[0];
  }

  std::string Get(const std::string& request, const Security& client) {
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    name.sin_port = htons(std::stoi(address_.substr(address_.rfind(':') + 1)));
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&name), sizeof(name)), 0);
    auto session = OpenSslSession::Connect(fd, *client.tls->files(), absl::Seconds(10));
    if (!session.ok()) return std::string(session.status().message());
    if (!(*session)->Write(request).ok()) return "not written";
    std::string answer;
    while (true) {
      const absl::StatusOr<std::string> more = (*session)->Read();
      if (!more.ok() || more->empty()) return answer;
      answer += *more;
    }
  }
};

constexpr MetricFamily kFamilies[] = {{.name = "estuary_test_things_total",
                                       .type = MetricType::kCounter,
                                       .unit = "things",
                                       .meaning = "Things",
                                       .healthy = "any",
                                       .action = "none"}};

TEST_F(MetricsTest, AreReadByViewersOverTls) {
  Metrics metrics;
  metrics.Counter(FindFamily(kFamilies, "estuary_test_things_total")).Increment(3);
  const auto server = MetricsServer::Start(address_, metrics, lab_.As(Role::kActor, "actor-0"));
  ASSERT_TRUE(server.ok()) << server.status();
  const std::string get = "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n";
  EXPECT_THAT(Get(get, lab_.As(Role::kViewer, "prometheus")),
              AllOf(HasSubstr("200 OK"), HasSubstr("estuary_test_things_total 3"),
                    HasSubstr("estuary_process_certificate_expires_seconds")));
  EXPECT_THAT(Get(get, lab_.As(Role::kRobot, "wl-01")),
              AllOf(HasSubstr("403"), HasSubstr("robot 'wl-01' may not read metrics")));
  EXPECT_THAT(Get("GET /secrets HTTP/1.1\r\n\r\n", lab_.As(Role::kViewer, "p")), HasSubstr("404"));
  Lab other("another");
  EXPECT_THAT(Get(get, other.As(Role::kViewer, "p")), HasSubstr("certificate"));
}

TEST_F(MetricsTest, ArePlaintextBeyondThisMachineOnlyByName) {
  Metrics metrics;
  const auto refused = MetricsServer::Start("0.0.0.0:0", metrics, Security{});
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(std::string(refused.status().message()), HasSubstr("--metrics_insecure"));
  Security open = lab_.As(Role::kActor, "actor-0");
  open.metrics_insecure = true;
  EXPECT_TRUE(MetricsServer::Start("0.0.0.0:0", metrics, open).ok());
}

TEST(Plaintext, IsRefusedTowardsOtherMachines) {
  const absl::Status status = CheckPlaintext({}, "replay-0:5001", "call");
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("replay-0:5001"), HasSubstr("--tls"), HasSubstr("--insecure")));
  EXPECT_TRUE(CheckPlaintext({.insecure = true}, "replay-0:5001", "call").ok());
  for (const char* local : {"127.0.0.1:1", "localhost:1", "[::1]:1", "unix:/a"}) {
    EXPECT_TRUE(CheckPlaintext({}, local, "call").ok()) << local;
  }
  EXPECT_FALSE(CheckPlaintext({}, "localhost.evil.example:1", "call").ok());
  EXPECT_FALSE(CheckPlaintext({}, "127.evil.example:1", "call").ok());
  // A channel that would break the rule exists, and carries nothing.
  grpc::ClientContext context;
  v1::LearnerStatus response;
  const auto channel = MakeChannel("replay-0:5001", Role::kLearner, Security{});
  EXPECT_FALSE(v1::Learner::NewStub(channel)->Status(&context, {}, &response).ok());
}

}  // namespace
}  // namespace estuary::process
