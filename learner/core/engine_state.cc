#include "learner/core/engine_state.h"

#include <bit>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

namespace estuary::learner {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr char kMagic[] = "ESTUARY LEARNER STATE 1\n";
constexpr uint8_t kFloat = 4;
constexpr uint8_t kDouble = 8;

// FNV-1a: finds damage, not forgery.
uint64_t Checksum(absl::string_view bytes) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char byte : bytes) hash = (hash ^ static_cast<uint8_t>(byte)) * 0x100000001b3;
  return hash;
}

template <typename T>
void PutNumber(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

void PutString(std::string& out, absl::string_view value) {
  PutNumber<uint64_t>(out, value.size());
  out.append(value.data(), value.size());
}

// Bitwise, so that NaN counts as well.
bool IsFloat(double value) {
  return std::bit_cast<uint64_t>(static_cast<double>(static_cast<float>(value))) ==
         std::bit_cast<uint64_t>(value);
}

void PutTensor(std::string& out, const HostTensor& tensor) {
  PutNumber<uint64_t>(out, tensor.shape.size());
  for (int64_t size : tensor.shape) PutNumber(out, size);
  bool floats = true;
  for (double value : tensor.values) floats = floats && IsFloat(value);
  PutNumber(out, floats ? kFloat : kDouble);
  for (double value : tensor.values) {
    if (floats) {
      PutNumber(out, static_cast<float>(value));
    } else {
      PutNumber(out, value);
    }
  }
}

// Reads on until something does not fit; then everything is empty and ok() false.
class Reader {
 public:
  explicit Reader(absl::string_view bytes) : bytes_(bytes) {}

  bool ok() const { return ok_; }
  bool at_end() const { return bytes_.empty(); }

  absl::string_view Bytes(uint64_t count) {
    if (!ok_ || count > bytes_.size()) {
      ok_ = false;
      return {};
    }
    const absl::string_view taken = bytes_.substr(0, count);
    bytes_.remove_prefix(count);
    return taken;
  }

  template <typename T>
  T Number() {
    T value{};
    const absl::string_view bytes = Bytes(sizeof(T));
    if (ok_) std::memcpy(&value, bytes.data(), sizeof(T));
    return value;
  }

  std::string String() { return std::string(Bytes(Number<uint64_t>())); }

  HostTensor Tensor() {
    HostTensor tensor;
    const uint64_t dims = Number<uint64_t>();
    const absl::string_view sizes = dims > bytes_.size() ? Bytes(dims) : Bytes(dims * 8);
    tensor.shape.resize(ok_ ? dims : 0);
    if (!tensor.shape.empty()) std::memcpy(tensor.shape.data(), sizes.data(), sizes.size());
    const uint8_t width = Number<uint8_t>();
    const int64_t count = ElementCount(tensor.shape);
    ok_ = ok_ && (width == kFloat || width == kDouble) && count >= 0 &&
          static_cast<uint64_t>(count) <= bytes_.size() / width;
    if (!ok_) return {};
    tensor.values.resize(static_cast<size_t>(count));
    for (double& value : tensor.values) {
      value = width == kFloat ? static_cast<double>(Number<float>()) : Number<double>();
    }
    return tensor;
  }

 private:
  absl::string_view bytes_;
  bool ok_ = true;
};

}  // namespace

std::string SerializeEngineState(const EngineState& state) {
  std::string out = kMagic;
  PutString(out, state.algorithm);
  PutString(out, state.engine);
  PutNumber(out, state.steps_done);
  PutString(out, state.random_state);
  PutNumber<uint64_t>(out, state.tensors.size());
  for (const auto& [path, tensor] : state.tensors) {
    PutString(out, path);
    PutTensor(out, tensor);
  }
  PutNumber(out, Checksum(out));
  return out;
}

absl::StatusOr<EngineState> ParseEngineState(absl::string_view bytes) {
  const absl::string_view magic = kMagic;
  if (bytes.substr(0, magic.size()) != magic) {
    return absl::InvalidArgumentError("the state does not begin as a learner's saved state does");
  }
  if (bytes.size() < magic.size() + sizeof(uint64_t)) {
    return absl::InvalidArgumentError(
        absl::StrCat("the learner's saved state is cut short at ", bytes.size(), " bytes"));
  }
  const absl::string_view body = bytes.substr(0, bytes.size() - sizeof(uint64_t));
  if (Reader(bytes.substr(body.size())).Number<uint64_t>() != Checksum(body)) {
    return absl::InvalidArgumentError(
        absl::StrCat("the learner's saved state of ", bytes.size(),
                     " bytes is damaged or cut short: its checksum does not match"));
  }
  Reader reader(body.substr(magic.size()));
  EngineState state;
  state.algorithm = reader.String();
  state.engine = reader.String();
  state.steps_done = reader.Number<uint64_t>();
  state.random_state = reader.String();
  const uint64_t count = reader.Number<uint64_t>();
  for (uint64_t i = 0; i < count && reader.ok(); ++i) {
    std::string path = reader.String();
    state.tensors[std::move(path)] = reader.Tensor();
  }
  if (!reader.ok() || !reader.at_end()) {
    return absl::InvalidArgumentError("the learner's saved state does not parse");
  }
  return state;
}

absl::Status CheckAlgorithm(const EngineState& state, const LearnerConfig& config) {
  if (state.algorithm == config.algorithm.name) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("the saved state is of algorithm '", state.algorithm, "', this learner runs '",
                   config.algorithm.name, "'; resume with the experiment that saved it"));
}

uint64_t SeedAfter(uint64_t seed, uint64_t steps_done) {
  // The finaliser of SplitMix64 spreads neighbouring counts.
  uint64_t mixed = seed + (steps_done + 1) * 0x9e3779b97f4a7c15;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
  return mixed ^ (mixed >> 31);
}

}  // namespace estuary::learner
